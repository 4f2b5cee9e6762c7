import { connect, type Msg, type Subscription } from 'nats';
import { header } from '../../protocol/headers.ts';
import { CALL_HEADER, SIZE_HEADER } from './call-headers.ts';
import { Job } from './job.mjs';

// A worker on the NATS client alone, as one writes it first: a member of a queue group that takes what comes into its
// memory, works it off, and answers with what it got. `BufferRule` says what it does about a long buffer.

/** It leaves the group when its buffer would keep it busy for this share of the budget. */
const HIGH_WATER_SHARE = 0.8;
/** Weight of the newest call in the average of run times. */
const NEWEST_WEIGHT = 0.2;

const job = new Job();
const { url, subject, group, slots, budgetMs, buffer, worker, isVerbose = false } = job.settings;
const buffered: Msg[] = [];
let subscription: Subscription | undefined;
let running = 0;
let averageMs = 0;

// It ends with the experiment, however that ends.
process.once('disconnect', () => process.exit(0));
await job.released();
const connection = await connect({
  servers: url,
  name: worker,
  noAsyncTraces: true,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
});
join();
await connection.flush();
process.send?.('ready');

function join(): void {
  job.note('joined');
  subscription = connection.subscribe(subject, {
    queue: group,
    callback: (error, message) => {
      if (error === null) receive(message);
    },
  });
}

function receive(message: Msg): void {
  const call = callOf(message);
  job.note('received', call);
  if (buffer.limit !== undefined && running === slots && buffered.length >= buffer.limit) {
    job.note('dropped', call);
    return;
  }
  buffered.push(message);
  if ((buffered.length * averageMs) / slots > HIGH_WATER_SHARE * budgetMs) leave();
  work();
}

function leave(): void {
  if (subscription === undefined || buffer.leavesAtHighWater !== true) return;
  job.note('left');
  // What is on its way still arrives, as with `drain`; `unsubscribe` would lose it.
  void subscription.drain();
  subscription = undefined;
}

function work(): void {
  while (running < slots) {
    const message = buffered.shift();
    if (message === undefined) break;
    if (buffer.skipsStale === true && isStale(message)) job.note('skipped', callOf(message));
    else void perform(message);
  }
  if (subscription === undefined && buffered.length === 0 && running === 0) join();
}

async function perform(message: Msg): Promise<void> {
  running++;
  const call = callOf(message);
  if (isUndecodable(message)) job.note('undecodable', call);
  // What is left in the buffer: the figure that the notebook logs as `pending_msgs`.
  if (isVerbose) console.log(`call ${call ?? '-'} begins, ${buffered.length} pending`);
  const beganAt = performance.now();
  await job.run(call, Number(message.headers?.get(SIZE_HEADER)));
  const ms = performance.now() - beganAt;
  averageMs = averageMs === 0 ? ms : averageMs + NEWEST_WEIGHT * (ms - averageMs);
  // While the broker is away the client takes the reply and forgets it.
  message.respond(message.data);
  running--;
  work();
}

function callOf(message: Msg): string | undefined {
  return message.headers?.get(CALL_HEADER) || undefined;
}

function isStale(message: Msg): boolean {
  return Date.now() > Number(message.headers?.get(header.deadline));
}

function isUndecodable(message: Msg): boolean {
  if (message.headers?.get(header.contentType) !== 'application/json') return false;
  try {
    message.json();
    return false;
  } catch {
    return true;
  }
}
