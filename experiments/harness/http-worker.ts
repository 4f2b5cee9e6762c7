// A worker behind HAProxy: a small HTTP server that runs as many calls at a time as it has slots.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { CALL_HEADER, SIZE_HEADER } from './call-headers.ts';
import { Job } from './job.mjs';
import { Turns } from './turns.ts';

const job = new Job();
// Several proxies that do not know of each other send more than there are slots: the rest waits here.
const turns = new Turns(job.settings.slots);

process.once('disconnect', () => process.exit(0));
const server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
  handle(request, response).catch(() => response.destroy());
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = server.address();
process.send?.(typeof address === 'object' ? address?.port : undefined);

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const header = (name: string) => String(request.headers[name.toLowerCase()]);
  await turns.take(() => job.run(header(CALL_HEADER), Number(header(SIZE_HEADER))));
  response.end(Buffer.concat(chunks));
}
