import { Job } from './job.ts';
import { CALL_HEADER } from './ledger.ts';
import { sharedNow } from './machine-clock.ts';

// The function that the lab's workers of ours serve, written as a user would.
const job = new Job(process.env);
await job.released();

/** What of the context is used here. */
interface Call {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

export default {
  name: job.settings.fn,
  description: 'Sleeps for the time of the call and notes it.',
  async run(_input: unknown, { headers, signal }: Call) {
    const call = headers[CALL_HEADER.toLowerCase()];
    // It is told of a call when the call begins: what waits before that is in the log of the worker.
    const now = sharedNow();
    job.ledger.note('received', call, now);
    await job.run(call, signal, now);
    return { proceeded: true, call: Number(call) };
  },
};
