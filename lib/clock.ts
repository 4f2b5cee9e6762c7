/** Time, injected so that tests own it. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start: for every duration and deadline. */
  now(): number;
  /** Unix milliseconds as of the start of the process plus `now`: it does not step when the wall clock is set. */
  wall(): number;
  /** Runs once after `ms`; the timer alone does not keep the process alive. Returns how to cancel it. */
  after(ms: number, run: () => void): () => void;
  /** Runs every `ms` until cancelled; does not keep the process alive. */
  every(ms: number, run: () => void): () => void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Math.round(performance.timeOrigin + performance.now()),
  after(ms, run) {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
  every(ms, run) {
    const timer = setInterval(run, ms).unref();
    return () => clearInterval(timer);
  },
};

/** Monotonic milliseconds that all threads and processes of a machine share; their `performance.now()` differ. */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
