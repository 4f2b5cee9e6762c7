import { setTimeout as pause } from 'node:timers/promises';
import type { Processes } from '../processes.ts';
import type { RunningProcess } from '../running-process.ts';
import { sum } from '../statistics.ts';
import type { HoldPlan, LoadCommand, LoadFigures, LoadPlan, OpenPlan, PhaseFigures } from './plan.ts';

const LIMIT_MS = 20_000;
const WARM_UP_STEP_MS = 500;
const WARM_UP_LIMIT_MS = 20_000;

/** A process that calls: one load at a time, as often as one likes. */
export class LoadProcess {
  readonly #process: RunningProcess;

  /** Several need names of their own. */
  constructor(processes: Processes, name = 'load') {
    this.#process = processes.fork('generator', name, new URL('./main.ts', import.meta.url));
  }

  /** Calls from now on. */
  begin(plan: LoadPlan): void {
    this.#tell({ kind: 'begin', plan });
  }

  /**
   * Calls until so many were answered, or for 20 s: programs that have just started run code that is not compiled yet.
   */
  async warmUp(plan: LoadPlan, calls: number): Promise<void> {
    const giveUpAt = performance.now() + WARM_UP_LIMIT_MS;
    for (let made = 0; made < calls && performance.now() < giveUpAt; ) {
      this.begin(plan);
      await this.mark();
      await pause(WARM_UP_STEP_MS);
      await this.measure();
      made += (await this.stop()).calls;
    }
  }

  /** Sends calls that it holds until it ends. */
  hold(plan: HoldPlan): void {
    this.#tell({ kind: 'hold', plan });
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

  /** Plays an open loop; resolves with the figures of its phases. Nothing else may be asked meanwhile. */
  async play(plan: OpenPlan): Promise<PhaseFigures[]> {
    this.#tell({ kind: 'play', plan });
    const seconds = sum(plan.phases.map((phase) => phase.seconds));
    return (await this.#process.message(seconds * 1000 + LIMIT_MS)) as PhaseFigures[];
  }

  #tell(command: LoadCommand): void {
    this.#process.send(command);
  }
}
