// A worker on the NATS client alone: node examples/plain-worker.mjs [nats://127.0.0.1:4222]
// It serves POST /functions/plain. The protocol asks for no more than a reply.
import { connect } from 'nats';

const [, program, server = 'nats://127.0.0.1:4222'] = process.argv;

// Not when a worker that loads this folder looks for functions here.
if (program?.endsWith('plain-worker.mjs')) await serve(server);

async function serve(servers) {
  const connection = await connect({ servers });
  const calls = connection.subscribe('now.call.plain', { queue: 'workers' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => connection.drain());
  await connection.flush();
  console.log(`answering now.call.plain at ${connection.getServer()}`);
  for await (const call of calls) {
    call.respond(
      JSON.stringify({ answeredBy: 'plain-worker', bytes: call.data.length, text: call.string() }),
    );
  }
}
