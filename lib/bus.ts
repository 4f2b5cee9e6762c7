/** Headers to send, in order, spelled as they go over the wire. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** Headers of a received message: lower-case names to first values; it inherits nothing. */
export type MessageHeaders = Readonly<Record<string, string>>;

/**
 * The message bus as this product needs it: core NATS, and nothing of its client. `lib/nats.ts` is the real
 * one, the tests' fake keeps the same promises; both pass one suite.
 */
export interface Bus {
  /** Whether a publish can reach the server now. Nothing may be published while it is false: it would be lost. */
  readonly connected: boolean;
  /** Largest message in bytes, headers included, as the connected server says; may change on reconnect. */
  readonly maxPayload: number;
  /** Whether the server is one of several, so that interest needs time to be known everywhere. */
  readonly clustered: boolean;

  /**
   * Sends one message. What one turn of the event loop publishes leaves in one write. Throws when the message
   * cannot be sent (too large, closed); the caller has validated every token of `subject`.
   */
  publish(subject: string, data: Uint8Array, options?: PublishOptions): void;

  /**
   * Receives messages. `onMessage` may throw: it is logged and harms nothing else. A message with `noResponders`
   * is the server's word that a request's subject has no subscriber.
   */
  subscribe(
    subject: string,
    onMessage: (message: BusMessage) => void,
    options?: SubscribeOptions,
  ): BusSubscription;

  /** Resolves when the server has processed everything published and subscribed before. */
  flush(): Promise<void>;

  /** Calls `listener` at every change of `connected` (true = connected); returns how to stop listening. */
  onConnection(listener: (connected: boolean) => void): () => void;

  /** Sends what is pending, then closes for good. */
  close(): Promise<void>;
}

export interface PublishOptions {
  reply?: string | undefined;
  headers?: HeaderPairs | undefined;
}

export interface SubscribeOptions {
  /** Queue group: one member gets each message. */
  queue?: string | undefined;
}

export interface BusSubscription {
  /** Ends the subscription without losing what is on the way; resolves when the last message was delivered. */
  drain(): Promise<void>;
  /** Ends it at once; messages on the way are lost. */
  unsubscribe(): void;
}

export interface BusMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly reply: string | undefined;
  /** The server's own 503: nobody is subscribed to the subject of the request. */
  readonly noResponders: boolean;
  /** Empty when it has none; undefined when they cannot be decoded. Decoded at the first call only. */
  headers(): MessageHeaders | undefined;
}

/** An empty body. */
export const NO_DATA = new Uint8Array(0);
