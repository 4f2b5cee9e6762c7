/** Why a bus could not do what it was asked. */
export type BusErrorCode =
  | 'closed'
  | 'not_connected'
  | 'too_large'
  | 'bad_header'
  | 'bad_subject'
  | 'timeout';

/** The error of every verb of a bus; nothing was sent when `publish` throws it. */
export class BusError extends Error {
  override readonly name = 'BusError';
  readonly code: BusErrorCode;

  constructor(code: BusErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The error for a message of `bytes` (headers and body) where `maxPayload` bytes are allowed. */
export function tooLarge(bytes: number, maxPayload: number): BusError {
  return new BusError(
    'too_large',
    `message of ${bytes} bytes must be at most ${maxPayload}, headers included`,
  );
}

/** The error while there is no server. */
export function notConnected(): BusError {
  return new BusError('not_connected', 'not connected to the message broker');
}

/** The error after `close`. */
export function busClosed(): BusError {
  return new BusError('closed', 'the connection to the message broker was closed');
}

/** Throws unless a subscription's subject and queue group can go over the wire: a space in them breaks the connection. */
export function checkSubscription(subject: string, queue: string | undefined): void {
  for (const token of [...subject.split('.'), queue ?? 'none']) {
    if (token === '' || /[\s\0]/.test(token)) {
      throw new BusError(
        'bad_subject',
        `subject ${JSON.stringify(subject)} and queue group ${JSON.stringify(queue ?? null)} must have no empty token and no white space`,
      );
    }
  }
}
