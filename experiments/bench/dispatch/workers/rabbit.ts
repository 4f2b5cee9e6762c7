// A worker of RabbitMQ: prefetches one message for each slot, acknowledges it when it is done.
import { connect } from 'amqplib';
import { CALL_HEADER, SIZE_HEADER } from '../../../harness/call-headers.ts';
import { Job } from '../../../harness/job.mjs';

const job = new Job();
const { url, subject, slots } = job.settings;

process.once('disconnect', () => process.exit(0));
const connection = await connect(url, { noDelay: true });
const channel = await connection.createChannel();
await channel.assertQueue(subject, { durable: false });
await channel.prefetch(slots);
await channel.consume(subject, (message) => {
  if (message === null) return;
  const headers = message.properties.headers ?? {};
  void job.run(String(headers[CALL_HEADER]), Number(headers[SIZE_HEADER])).then(() => {
    const { correlationId, replyTo } = message.properties;
    channel.sendToQueue(String(replyTo), message.content, { correlationId });
    channel.ack(message);
  });
});
process.send?.('ready');
