import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** Answers the message whose reply subject is given; `lines` are joined as the protocol wants them. */
export type RawAnswer = (reply: string, send: (headers: string, body: string) => void) => void;

/**
 * A responder that speaks the NATS protocol by hand, so that it can send what no client library would: header
 * blocks are sent as they are. Resolves when the broker has taken its subscription.
 */
export async function startRawResponder(
  t: TestContext,
  port: number,
  subject: string,
  answer: RawAnswer,
): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  t.after(() => socket.destroy());
  let text = '';
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.on('data', (data) => {
      text += data.toString('latin1');
      for (let end = text.indexOf('\r\n'); end !== -1; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        if (line === 'PONG') resolve();
        else if (line === 'PING') socket.write('PONG\r\n');
        const reply = /^H?MSG \S+ 1 (\S+) \d+( \d+)?$/.exec(line)?.[1];
        if (reply !== undefined) answer(reply, (headers, body) => publish(socket, reply, headers, body));
      }
    });
    socket.write('CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n');
    socket.write(`SUB ${subject} 1\r\nPING\r\n`);
  });
}

function publish(socket: Socket, subject: string, headers: string, body: string): void {
  const all = Buffer.byteLength(headers + body);
  if (headers === '') socket.write(`PUB ${subject} ${all}\r\n${body}\r\n`);
  else socket.write(`HPUB ${subject} ${Buffer.byteLength(headers)} ${all}\r\n${headers}${body}\r\n`);
}
