import type { Processes } from '../processes.ts';
import type { RunningProcess } from '../running-process.ts';
import type { LoadCommand, LoadFigures, LoadPlan } from './plan.ts';

const LIMIT_MS = 20_000;

/** A process that calls: one load at a time, as often as one likes. */
export class LoadProcess {
  readonly #process: RunningProcess;

  constructor(processes: Processes) {
    this.#process = processes.fork('generator', 'load', new URL('./main.ts', import.meta.url));
  }

  /** Calls from now on. */
  begin(plan: LoadPlan): void {
    this.#tell({ kind: 'begin', plan });
  }

  /** Counts from now on. */
  async mark(): Promise<void> {
    this.#tell({ kind: 'mark' });
    await this.#process.message(LIMIT_MS);
  }

  /** Counts no more; calls go on, so that what is read now belongs to the same load. */
  async measure(): Promise<void> {
    this.#tell({ kind: 'measure' });
    await this.#process.message(LIMIT_MS);
  }

  /** Ends the calls; resolves with what was counted. */
  async stop(): Promise<LoadFigures> {
    this.#tell({ kind: 'stop' });
    // Sent by `main.ts`, which is ours.
    return (await this.#process.message(LIMIT_MS)) as LoadFigures;
  }

  #tell(command: LoadCommand): void {
    this.#process.send(command);
  }
}
