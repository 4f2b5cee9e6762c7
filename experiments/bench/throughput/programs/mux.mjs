// Requests over one wildcard subscription; what one turn of the event loop publishes is sent together. The least that
// a gateway over NATS can do for a call: no deadline, no header, no check.
import { connect } from 'nats';

const connection = await connect({ servers: process.env.NATS_URL, noAsyncTraces: true });
const prefix = `_INBOX.${process.pid}.`;
const waiting = new Map();
let batch = [];
let next = 0;

connection.subscribe(`${prefix}*`, {
  callback(_error, message) {
    const token = message.subject.slice(prefix.length);
    waiting.get(token)?.(message.data);
    waiting.delete(token);
  },
});
await connection.flush();

/** Publishes, and calls back with the bytes of the reply. */
export function request(subject, data, onReply) {
  const token = (next++).toString(36);
  waiting.set(token, onReply);
  if (batch.length === 0) setImmediate(sendBatch);
  batch.push({ subject, data, reply: prefix + token });
}

function sendBatch() {
  const messages = batch;
  batch = [];
  for (const { subject, data, reply } of messages) connection.publish(subject, data, { reply });
}
