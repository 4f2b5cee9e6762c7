/**
 * At most `limit` of some points, in their order: the first, the last, and of each stretch between them the one with
 * the least and the one with the greatest of each value, so that no peak is lost. `limit` is at least 2 + 2 for each value.
 */
export function thin<T>(points: readonly T[], limit: number, values: readonly ((point: T) => number)[]): T[] {
  if (points.length <= limit) return [...points];
  const stretches = Math.max(1, Math.floor((limit - 2) / (2 * values.length)));
  const kept = new Set([0, points.length - 1]);
  for (let stretch = 0; stretch < stretches; stretch++) {
    const from = Math.floor((points.length * stretch) / stretches);
    const to = Math.floor((points.length * (stretch + 1)) / stretches);
    for (const measure of values) {
      for (const index of extremes(points, from, to, measure)) kept.add(index);
    }
  }
  return points.filter((_, index) => kept.has(index));
}

/**
 * At most `limit` of some points, in their order, where rare kinds are kept rather than frequent ones: each kind has
 * an equal share, and what a rare one does not need goes to the others.
 */
export function thinByKind<T>(
  points: readonly T[],
  limit: number,
  kindOf: (point: T) => number,
  measure: (point: T) => number,
): T[] {
  if (points.length <= limit) return [...points];
  const groups = new Map<number, T[]>();
  for (const point of points) {
    const kind = kindOf(point);
    const group = groups.get(kind);
    if (group === undefined) groups.set(kind, [point]);
    else group.push(point);
  }
  const kinds = [...groups.values()].sort((one, other) => one.length - other.length);
  const kept = new Set<T>();
  for (const [index, own] of kinds.entries()) {
    const share = Math.floor((limit - kept.size) / (kinds.length - index));
    for (const point of thin(own, share, [measure])) kept.add(point);
  }
  return points.filter((point) => kept.has(point));
}

function extremes<T>(
  points: readonly T[],
  from: number,
  to: number,
  measure: (point: T) => number,
): [least: number, greatest: number] {
  let [least, greatest] = [from, from];
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [offset, point] of points.slice(from, to).entries()) {
    const value = measure(point);
    if (value < low) [low, least] = [value, from + offset];
    if (value > high) [high, greatest] = [value, from + offset];
  }
  return [least, greatest];
}
