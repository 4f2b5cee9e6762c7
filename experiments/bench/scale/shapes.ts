/** How large a system is. */
export interface Shape {
  /** Simulated workers of each function and group. */
  readonly workers: number;
  /** All workers serve all of them; calls go to them in turn. */
  readonly functions: number;
  /** Each is owed every call. */
  readonly groups: number;
  /** Calls of another function that wait meanwhile for a slot that does not come. */
  readonly parked: number;
  /** NATS servers of a cluster: the gateway is at the first, the workers are at the last. */
  readonly brokers: number;
}

/** One way in which a system grows. */
export interface Dimension {
  readonly title: string;
  readonly levels: readonly number[];
  readonly shape: (level: number) => Shape;
}

const SMALL: Shape = { workers: 10, functions: 1, groups: 1, parked: 0, brokers: 1 };

/** All dimensions by name, in the order of the report. Their first levels are the same small system. */
export const dimensions: Readonly<Record<string, Dimension>> = {
  workers: {
    title: 'workers of a function',
    levels: [10, 100, 1000, 10_000],
    shape: (workers) => ({ ...SMALL, workers }),
  },
  parked: {
    title: 'parked calls of another function',
    levels: [0, 100, 1000, 10_000],
    shape: (parked) => ({ ...SMALL, parked }),
  },
  functions: {
    title: 'functions, of ten workers that serve all',
    levels: [1, 10, 100, 1000],
    shape: (functions) => ({ ...SMALL, functions }),
  },
  groups: {
    title: 'groups of a function, of ten workers each',
    levels: [1, 2, 5, 10],
    shape: (groups) => ({ ...SMALL, groups }),
  },
  brokers: {
    title: 'NATS servers in a cluster',
    levels: [1, 3],
    shape: (brokers) => ({ ...SMALL, brokers }),
  },
};
