import { connect, type Msg, type Subscription } from 'nats';
import { Job } from './job.ts';
import { CALL_HEADER } from './ledger.ts';

/**
 * The consumer of the notebook, on the NATS client alone: a member of a queue group that takes what comes into
 * its memory and works it off, one call at a time. `Job.settings.buffer` says what it does about a long buffer:
 *
 *   keep        nothing
 *   limit       drops what does not fit, as `pending_msgs_limit` does
 *   high-water  leaves the group until the buffer is worked off
 *   skip-stale  drops what is too old when its turn comes, by the time in its headers
 */

/** It leaves the group when its buffer would keep it busy for this share of the budget: 4 s of 5. */
const HIGH_WATER_SHARE = 0.8;

const job = new Job(process.env);
const { natsUrl, fn, group, budgetMs, buffer, bufferLimit = 1, minMs, maxMs } = job.settings;
const serviceMs = (minMs + maxMs) / 2;
const buffered: Msg[] = [];
let subscription: Subscription | undefined;
let isWorking = false;

// It ends with the lab, however that ends.
process.once('disconnect', () => process.exit(0));
await job.released();
const connection = await connect({
  servers: natsUrl,
  name: job.settings.worker,
  noAsyncTraces: true,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
});
subscribe();
await connection.flush();
process.send?.('ready');

function subscribe(): void {
  job.ledger.note('joined');
  subscription = connection.subscribe(`now.call.${fn}`, {
    queue: group,
    callback: (error, message) => {
      if (error === null) take(message);
    },
  });
}

function take(message: Msg): void {
  const call = callOf(message);
  job.ledger.note('received', call);
  if (buffer === 'limit' && isWorking && buffered.length >= bufferLimit) {
    job.ledger.note('dropped', call);
    return;
  }
  buffered.push(message);
  if (buffer === 'high-water' && buffered.length * serviceMs > HIGH_WATER_SHARE * budgetMs) leave();
  if (!isWorking) void work();
}

function leave(): void {
  if (subscription === undefined) return;
  job.ledger.note('left');
  // What is on its way still arrives, as with `drain`; `unsubscribe` would lose it.
  void subscription.drain();
  subscription = undefined;
}

async function work(): Promise<void> {
  isWorking = true;
  for (let message = buffered.shift(); message !== undefined; message = buffered.shift()) {
    const call = callOf(message);
    if (buffer === 'skip-stale' && Date.now() > Number(message.headers?.get('Now-Deadline'))) {
      job.ledger.note('skipped', call);
      continue;
    }
    if (!isJson(message)) job.ledger.note('undecodable', call);
    // What is left in the buffer: the figure that the notebook logs as `pending_msgs`.
    console.log(`call ${call ?? '-'} begins, ${buffered.length} pending`);
    await job.run(call);
    // While the broker is away the client takes the reply and forgets it.
    message.respond(JSON.stringify({ proceeded: true, call: Number(call) }));
  }
  isWorking = false;
  if (subscription === undefined) subscribe();
}

function callOf(message: Msg): string | undefined {
  return message.headers?.get(CALL_HEADER) || undefined;
}

function isJson(message: Msg): boolean {
  try {
    if (message.data.length > 0) message.json();
    return true;
  } catch {
    return false;
  }
}
