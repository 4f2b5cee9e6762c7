// A bare subscription in a queue group that answers an object's JSON. It does not look at what it gets.
import { connect } from 'nats';
import { answer } from './answer.mjs';
import { tellParent } from './parent.mjs';

const connection = await connect({ servers: process.env.NATS_URL, noAsyncTraces: true });
connection.subscribe(process.env.SUBJECT, {
  queue: 'workers',
  callback: (_error, message) => message.respond(JSON.stringify(answer())),
});
await connection.flush();
tellParent('ready');
