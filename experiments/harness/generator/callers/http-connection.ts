import { connect, type Socket } from 'node:net';

/** Status and body of an answer. */
export interface HttpResponse {
  readonly status: number;
  readonly body: string;
}

const HEAD_END = '\r\n\r\n';

/**
 * One kept-alive HTTP/1.1 connection for one request at a time: a tenth of the cost of `node:http`, which on two
 * cores would be most of what is measured. It understands answers with a `Content-Length`, as every server here
 * sends them; an answer without one ends with the connection.
 */
export class HttpConnection {
  readonly #socket: Socket;
  #received = '';
  #waiting: { resolve: (answer: HttpResponse) => void; reject: (error: Error) => void } | undefined;
  #failure: Error | undefined;

  constructor(host: string, port: number) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#receive(text));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#closed());
  }

  /** False when it cannot be used again. */
  get isOpen(): boolean {
    return this.#failure === undefined && !this.#socket.destroyed;
  }

  /** Sends a whole request. Rejects when the connection breaks; the connection is free when it resolves. */
  send(request: string | Uint8Array): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#waiting = { resolve, reject };
      this.#socket.write(request, 'latin1');
    });
  }

  /** Closes it at once; a request under way is rejected. */
  destroy(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd);
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    if (length === undefined) return;
    const end = headEnd + HEAD_END.length + Number(length);
    if (this.#received.length < end) return;
    const body = this.#received.slice(headEnd + HEAD_END.length, end);
    this.#received = this.#received.slice(end);
    if (/^connection: *close/im.test(head)) this.#fail(new Error('closed'));
    this.#answer({ status: statusOf(head), body });
  }

  #closed(): void {
    const headEnd = this.#received.indexOf(HEAD_END);
    const head = this.#received.slice(0, headEnd);
    if (headEnd >= 0 && !/^content-length:/im.test(head)) {
      this.#answer({ status: statusOf(head), body: this.#received.slice(headEnd + HEAD_END.length) });
    }
    this.#fail(new Error('closed'));
    this.#waiting?.reject(this.#failure ?? new Error('closed'));
    this.#waiting = undefined;
  }

  #answer(answer: HttpResponse): void {
    this.#waiting?.resolve(answer);
    this.#waiting = undefined;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.destroySoon();
  }
}

function statusOf(head: string): number {
  return Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 '.length + 3));
}
