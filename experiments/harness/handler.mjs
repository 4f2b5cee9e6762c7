// The function that workers of ours serve in the experiments, written as a user would.
import { Job } from './job.mjs';

const job = new Job();
await job.released();

export default {
  name: job.settings.subject,
  description: 'Sleeps for the time of the call, notes it, and answers with its input.',
  async run(input, { headers, signal }) {
    const call = headers['x-fn-call'];
    job.note('received', call);
    await job.run(call, Number(headers['x-fn-size'] ?? 0), signal);
    return input;
  },
};
