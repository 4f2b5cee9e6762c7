// A worker behind HAProxy: a small HTTP server that runs as many calls at a time as it has slots.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createJob } from '../job.mjs';
import { serveAsChild } from './settings.ts';

serveAsChild(async ({ job: jobSettings, slots }) => {
  const job = createJob(jobSettings);
  const waiting: (() => void)[] = [];
  let running = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    // Several proxies that do not know of each other send more than there are slots: the rest waits here.
    if (running === slots) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    await job(String(request.headers['x-fn-call']), Number(request.headers['x-fn-work-ms']));
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
    response.end(Buffer.concat(chunks));
  };
  const server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { port: typeof address === 'object' ? address?.port : undefined };
});
