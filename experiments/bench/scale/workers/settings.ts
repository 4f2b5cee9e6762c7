/** What the process of simulated workers is told, as JSON in the environment variable `SIMULATED`. */
export interface SimulatedSettings {
  readonly url: string;
  /** Of each group. */
  readonly workers: number;
  readonly groups: number;
  /** Functions `bench0`, `bench1`, ... */
  readonly functions: number;
  /** Each worker tells its state so often. */
  readonly stateMs: number;
}

/** Functions of the free workers begin with this. */
export const FUNCTION = 'bench';

/** The function of one more worker that never has a free slot. */
export const FULL_FUNCTION = 'full';
