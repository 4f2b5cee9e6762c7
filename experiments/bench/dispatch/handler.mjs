// The product's bench function: what every other system's worker does, written as a user would.
import { createJob } from './job.mjs';

const job = createJob(JSON.parse(process.env.BENCH_JOB ?? '{"baseMs":0,"scale":1}'));

export default {
  name: 'bench',
  async run(input, ctx) {
    await job(ctx.headers['x-fn-call'] ?? '-', Number(ctx.headers['x-fn-work-ms'] ?? 0), ctx.signal);
    return input;
  },
};
