// A worker on a core NATS queue group, as one writes it first: its buffer takes whatever comes.
import { connect, type Msg, type Subscription } from 'nats';
import { createJob } from '../job.mjs';
import { serveAsChild } from './settings.ts';

/** It unsubscribes when its buffer would keep it busy for this share of the deadline. */
const HIGH_WATER_SHARE = 0.8;
/** Weight of the newest call in the average of service times. */
const SERVICE_WEIGHT = 0.2;

serveAsChild(async ({ job: jobSettings, slots, deadlineMs, url, subject, buffer }) => {
  const job = createJob(jobSettings);
  const connection = await connect({ servers: url, noAsyncTraces: true, name: 'bench-worker' });
  const buffered: Msg[] = [];
  let running = 0;
  let serviceMs = 0;
  let subscription: Subscription | undefined;

  const subscribe = () => {
    subscription = connection.subscribe(subject, {
      queue: 'workers',
      callback: (error, message) => {
        if (error !== null) return;
        buffered.push(message);
        const aheadMs = (buffered.length * serviceMs) / slots;
        if (buffer === 'highwater' && aheadMs > HIGH_WATER_SHARE * deadlineMs) {
          // What is on its way still arrives, as with `drain`; `unsubscribe` would lose it.
          void subscription?.drain();
          subscription = undefined;
        }
        work();
      },
    });
  };

  const work = () => {
    while (running < slots) {
      const message = buffered.shift();
      if (message === undefined) break;
      if (buffer !== 'keep' && Date.now() > Number(message.headers?.get('X-Fn-Deadline'))) continue;
      running++;
      void perform(message);
    }
    if (subscription === undefined && buffered.length === 0) subscribe();
  };

  const perform = async (message: Msg) => {
    const beganAt = performance.now();
    await job(message.headers?.get('X-Fn-Call') ?? '-', Number(message.headers?.get('X-Fn-Work-Ms')));
    const ms = performance.now() - beganAt;
    serviceMs = serviceMs === 0 ? ms : serviceMs + SERVICE_WEIGHT * (ms - serviceMs);
    message.respond(message.data);
    running--;
    work();
  };

  subscribe();
  await connection.flush();
  return {};
});
