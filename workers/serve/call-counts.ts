import type { NotRunSignal } from '../../protocol/reply.ts';
import type { Completion } from '../run/completion.ts';

/** What a function's calls came to since the start; read by discovery. */
export class CallCounts {
  /** Calls that ran. */
  requests = 0;
  /** Of those, the ones that ended otherwise than `ok`. */
  errors = 0;
  /** Status and outcome of the last of these; empty when there was none. */
  lastError = '';
  /** Sum of all run times. */
  workMs = 0;
  busy = 0;
  expired = 0;
  /** While they ran, or before. */
  cancelled = 0;

  ran({ outcome, status }: Completion, workMs: number): void {
    this.requests++;
    this.workMs += workMs;
    if (outcome === 'cancelled') this.cancelled++;
    if (outcome === 'ok') return;
    this.errors++;
    this.lastError = `${status}:${outcome}`;
  }

  notRun(signal: NotRunSignal): void {
    if (signal === 'busy') this.busy++;
    if (signal === 'expired') this.expired++;
  }
}
