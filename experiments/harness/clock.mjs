/** See clock.d.mts. */
export function sharedNow() {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
