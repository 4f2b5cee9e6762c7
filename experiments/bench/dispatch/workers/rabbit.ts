// A worker of RabbitMQ: prefetches one message for each slot, acknowledges it when it is done.
import { connect } from 'amqplib';
import { createJob } from '../job.mjs';
import { serveAsChild } from './settings.ts';

serveAsChild(async ({ job: jobSettings, slots, url, subject }) => {
  const job = createJob(jobSettings);
  const connection = await connect(url, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.assertQueue(subject, { durable: false });
  await channel.prefetch(slots);
  await channel.consume(subject, (message) => {
    if (message === null) return;
    const headers = message.properties.headers ?? {};
    void job(String(headers['X-Fn-Call']), Number(headers['X-Fn-Work-Ms'])).then(() => {
      const { correlationId, replyTo } = message.properties;
      channel.sendToQueue(String(replyTo), message.content, { correlationId });
      channel.ack(message);
    });
  });
  return {};
});
