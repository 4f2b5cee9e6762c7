// Shows what reached the handler, and answers with headers of its own.
import { reply } from 'now-or-never';

export default function show(input, ctx) {
  const body = input instanceof Uint8Array ? { base64: Buffer.from(input).toString('base64') } : input;
  const headers = Object.fromEntries(Object.entries(ctx.headers));
  return reply({
    status: 201,
    headers: { 'X-Fn-Answer': 'from the handler' },
    body: { headers, remainingMs: ctx.remainingMs(), ...(body === undefined ? {} : { body }) },
  });
}
