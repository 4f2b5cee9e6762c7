/** What every handler answers: a new object for each call. */
export function answer() {
  return { ok: true, by: 'bench' };
}
