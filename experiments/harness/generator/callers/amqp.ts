import { connect } from 'amqplib';
import { body, type Caller, type CallerAnswer, type CallerPlan, ok, workHeaders } from './caller.ts';

const DIRECT_REPLY_TO = 'amq.rabbitmq.reply-to';

/** Requests with direct reply-to and a time to live, over one AMQP connection for each gateway. */
export async function amqpCaller(plan: CallerPlan): Promise<Caller> {
  const waiting = new Map<string, (answer: CallerAnswer) => void>();
  const connections = await Promise.all(plan.urls.map((url) => connect(url, { noDelay: true })));
  const channels = await Promise.all(
    connections.map(async (connection) => {
      const channel = await connection.createChannel();
      await channel.consume(
        DIRECT_REPLY_TO,
        (message) => waiting.get(String(message?.properties.correlationId))?.(ok),
        { noAck: true },
      );
      return channel;
    }),
  );
  return {
    send(call) {
      const correlationId = String(call.id);
      const answer = new Promise<CallerAnswer>((resolve) => {
        waiting.set(correlationId, (result) => {
          waiting.delete(correlationId);
          resolve(result);
        });
      });
      channels[call.gateway % channels.length]?.publish('', plan.subject, Buffer.from(body), {
        correlationId,
        replyTo: DIRECT_REPLY_TO,
        expiration: String(plan.deadlineMs),
        headers: workHeaders(call),
      });
      return { answer, abandon: () => void waiting.delete(correlationId) };
    },
    async close() {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}
