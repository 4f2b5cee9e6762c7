import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/**
 * A NATS connection that only publishes, in plain text: twenty thousand states a second would keep a process busy that
 * sends them by the client, and then that process would be what is measured.
 */
export class RawPublisher {
  readonly #socket: Socket;
  #text = '';

  /** Resolves when the server takes messages. */
  static async open(url: string): Promise<RawPublisher> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true }).setEncoding('latin1');
    // The server speaks first, to tell what it is.
    await once(socket, 'data');
    return new RawPublisher(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (text: string) => {
      if (text.includes('PING')) socket.write('PONG\r\n');
    });
    socket.write('CONNECT {"verbose":false,"pedantic":false,"name":"simulated states"}\r\n');
  }

  /** Adds a message of ASCII text to what is sent next. */
  add(subject: string, text: string): void {
    this.#text += `PUB ${subject} ${text.length}\r\n${text}\r\n`;
  }

  /** Sends what was added. */
  flush(): void {
    if (this.#text !== '') this.#socket.write(this.#text, 'latin1');
    this.#text = '';
  }
}
