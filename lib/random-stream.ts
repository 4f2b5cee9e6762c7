/** A stream of uniform numbers in [0, 1). */
export type Random = () => number;

/**
 * A reproducible stream (mulberry32) for a seed and a name. Each purpose takes a name of its own, so that drawing one
 * number more for one does not change another.
 */
export function randomStream(seed: number, name: string): Random {
  let state = fnv1a(`${seed}/${name}`);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}
