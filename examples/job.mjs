// Work that takes two seconds and does not compute: it waits, as for a database or another service.
import { setTimeout as wait } from 'node:timers/promises';
import { defineFunction } from 'now-or-never';
import { z } from 'zod';

export default defineFunction({
  description: 'Waits 2 to 2.4 seconds and answers with its input, marked as proceeded.',
  input: z.record(z.string(), z.unknown()),
  async run(input, ctx) {
    // The signal fires at the deadline and when the caller leaves: then nobody needs the rest.
    await wait(2000 + Math.random() * 400, undefined, { signal: ctx.signal });
    return { proceeded: true, ...input };
  },
});
