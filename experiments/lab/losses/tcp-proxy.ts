import { createServer, connect as dial, type Server, type Socket } from 'node:net';

/** Which way bytes go through a proxy. */
export type Direction = 'toBroker' | 'toProcess';

const DIRECTIONS: readonly Direction[] = ['toBroker', 'toProcess'];

/**
 * A relay of TCP between one process and the broker, in which what is on the way can be kept there. Each direction
 * goes by itself, as in TCP:
 *
 *   passing   bytes and the end of the stream go on as they come, in their order
 *   holding   both are kept, without a limit, until `release` or `close`
 *
 * When a side ends, the other side is told so after what was on its way. When a side is lost (reset, or gone while
 * something is sent to it), what is kept for it is dropped. The process may connect again as often as it likes:
 * what is held is held for all its connections.
 */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #holding = new Set<Direction>();
  readonly #awaited = new Set<AwaitedText>();

  /** A proxy to a port on loopback, on a free port of its own. Nothing has to listen there yet. */
  static async open(brokerPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(brokerPort);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  private constructor(brokerPort: number) {
    // Paused, so that nothing is read before there is somewhere to send it; an end is passed on as an end.
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      const broker = dial({ host: '127.0.0.1', port: brokerPort, allowHalfOpen: true });
      const pair = new Pair(socket, broker, this.#holding, (direction, bytes) =>
        this.#look(direction, bytes),
      );
      this.#pairs.add(pair);
      pair.onClosed = () => this.#pairs.delete(pair);
    });
  }

  /** Where the process connects. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Connections of which at least one side is not closed yet. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** From now on what goes this way is kept. Nothing to do when it is already. */
  hold(direction: Direction): void {
    this.#holding.add(direction);
  }

  /** Sends on what was kept, in its order, and what comes from now on. */
  release(direction: Direction): void {
    this.#holding.delete(direction);
    for (const pair of this.#pairs) pair.release(direction);
  }

  /** What is kept at the moment, as text of one byte a character. */
  held(direction: Direction): string {
    return [...this.#pairs].map((pair) => pair.held(direction)).join('');
  }

  /**
   * Resolves when a text comes this way after the call of `seen`, whether it then is passed on or kept. Rejects
   * after `limitMs`.
   */
  seen(direction: Direction, text: string, limitMs = 5000): Promise<void> {
    const seen = new Promise<void>((resolve, reject) => {
      const end = (why?: string): void => {
        clearTimeout(timer);
        this.#awaited.delete(awaited);
        if (why === undefined) resolve();
        else reject(new Error(`not seen on the proxy ${why}: ${text}`));
      };
      const timer = setTimeout(end, limitMs, `within ${limitMs} ms`);
      const awaited: AwaitedText = { direction, text, tail: '', end };
      this.#awaited.add(awaited);
    });
    // Whoever watches may fail at something else first, and then nobody waits for this.
    seen.catch(() => {});
    return seen;
  }

  /** Cuts all connections, drops what is kept, and listens no more. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const pair of this.#pairs) pair.destroy();
    for (const awaited of this.#awaited) awaited.end('before it was closed');
    await closed;
  }

  #look(direction: Direction, bytes: Buffer): void {
    for (const awaited of this.#awaited) {
      if (awaited.direction !== direction) continue;
      const text = awaited.tail + bytes.toString('latin1');
      // The text may be cut in two by the network.
      awaited.tail = text.slice(-awaited.text.length + 1);
      if (text.includes(awaited.text)) awaited.end();
    }
  }
}

interface AwaitedText {
  readonly direction: Direction;
  readonly text: string;
  tail: string;
  /** `why` it was not seen; seen without. */
  readonly end: (why?: string) => void;
}

/** One connection of the process and its counterpart at the broker. */
class Pair {
  readonly #pipes: Readonly<Record<Direction, Pipe>>;
  onClosed: () => void = () => {};

  constructor(
    process: Socket,
    broker: Socket,
    holding: ReadonlySet<Direction>,
    look: (direction: Direction, bytes: Buffer) => void,
  ) {
    const pipe = (direction: Direction, from: Socket, to: Socket): Pipe =>
      new Pipe(
        from,
        to,
        () => holding.has(direction),
        (bytes) => look(direction, bytes),
      );
    this.#pipes = {
      toBroker: pipe('toBroker', process, broker),
      toProcess: pipe('toProcess', broker, process),
    };
    let open = 2;
    for (const socket of [process, broker]) {
      socket.setNoDelay(true);
      socket.once('close', () => {
        open--;
        if (open === 0) this.onClosed();
      });
    }
  }

  held(direction: Direction): string {
    return this.#pipes[direction].held;
  }

  release(direction: Direction): void {
    this.#pipes[direction].release();
  }

  destroy(): void {
    for (const direction of DIRECTIONS) this.#pipes[direction].destroy();
  }
}

/** One direction of one connection. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #isHeld: () => boolean;
  readonly #kept: Buffer[] = [];
  #isEnded = false;

  constructor(from: Socket, to: Socket, isHeld: () => boolean, look: (bytes: Buffer) => void) {
    this.#from = from;
    this.#to = to;
    this.#isHeld = isHeld;
    from.on('data', (bytes: Buffer) => {
      look(bytes);
      this.#kept.push(bytes);
      this.#send();
    });
    // After an error only `close` comes. It is an end like any other: what was sent before it is still on the way.
    const onEnd = (): void => {
      this.#isEnded = true;
      this.#send();
    };
    from.once('end', onEnd);
    from.once('close', onEnd);
    from.on('error', () => {});
    to.on('drain', () => from.resume());
    to.once('close', () => {
      this.#kept.length = 0;
      // Nobody is there to hear it, and a stream that is not read never closes.
      from.resume();
    });
    from.resume();
  }

  get held(): string {
    return Buffer.concat(this.#kept).toString('latin1');
  }

  release(): void {
    this.#send();
  }

  destroy(): void {
    this.#kept.length = 0;
    this.#from.destroy();
  }

  #send(): void {
    if (this.#isHeld()) return;
    for (const bytes of this.#kept.splice(0)) {
      if (this.#to.writable && !this.#to.write(bytes)) this.#from.pause();
    }
    if (this.#isEnded && this.#to.writable) this.#to.end();
  }
}
