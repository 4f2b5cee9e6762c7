import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { HttpServer, type ServerOptions } from '../../../gateway/http/server.ts';

/** A started server on a free port that ends with the test, and how often its listener ran. */
export interface Harness {
  server: HttpServer;
  ran: number;
}

/** Starts a server around `listener`; without one the body is echoed. */
export async function startServer(t: TestContext, options: Partial<ServerOptions> = {}): Promise<Harness> {
  const listener = options.listener ?? echo;
  const server = new HttpServer({
    name: 'http',
    host: '127.0.0.1',
    port: 0,
    log: pino({ level: 'silent' }),
    ...options,
    listener(incoming, outgoing) {
      harness.ran += 1;
      return listener(incoming, outgoing);
    },
  });
  const harness: Harness = { server, ran: 0 };
  await server.start();
  t.after(() => server.stop());
  return harness;
}

/** Answers 200 with the body that came. */
export function echo(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => outgoing.end(Buffer.concat(chunks)));
}

/** A TCP connection and everything that came over it. */
export class RawClient {
  readonly socket: Socket;
  received = '';
  /** How it ended: `FIN` of the server, an error code, or not yet. */
  ended = 'not';
  readonly closed: Promise<void>;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text: string) => {
      this.received += text;
    });
    this.socket.on('end', () => {
      this.ended = 'FIN';
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.ended = error.code ?? error.message;
    });
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes, 'latin1');
  }

  get answers(): RawAnswer[] {
    return answersIn(this.received);
  }

  /** Resolves when `count` answers have come; rejects when the connection ends before. */
  async answersCome(count: number): Promise<RawAnswer[]> {
    while (this.answers.length < count) {
      if (this.socket.destroyed)
        throw new Error(`ended (${this.ended}) after ${this.answers.length} answers`);
      await new Promise<void>((resolve) => {
        const go = (): void => {
          this.socket.off('data', go);
          this.socket.off('close', go);
          resolve();
        };
        this.socket.on('data', go);
        this.socket.on('close', go);
      });
    }
    return this.answers;
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}

export interface RawAnswer {
  status: number;
  /** Lower-case names. */
  headers: Map<string, string>;
  body: string;
}

/** Splits what came over a connection into its complete answers. */
function answersIn(text: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = text; ; ) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) return answers;
    const [first = '', ...lines] = rest.slice(0, end).split('\r\n');
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const length = Number(headers.get('content-length') ?? 0);
    const body = rest.slice(end + 4, end + 4 + length);
    if (body.length < length) return answers;
    answers.push({ status: Number(first.split(' ')[1]), headers, body });
    rest = rest.slice(end + 4 + length);
  }
}

/** Resolves when `isTrue`; rejects after `limitMs`. For what has no event to wait for. */
export async function until(isTrue: () => boolean, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`not so within ${limitMs} ms: ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
