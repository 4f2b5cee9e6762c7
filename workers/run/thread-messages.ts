import type { MessagePort } from 'node:worker_threads';
import type { MessageHeaders } from '../../protocol/headers.ts';

/** What a thread gets when it starts. */
export interface ThreadData {
  /** The module of the function: an absolute path. */
  readonly file: string;
  readonly name: string;
  /** Minimum level of log lines worth sending to the main thread. */
  readonly level: string;
}

/** One call on its way into a thread. */
export interface ThreadCall {
  readonly callId: string;
  readonly headers: MessageHeaders;
  readonly body: Uint8Array;
  /** In milliseconds of `sharedNowMs`, the one clock that threads share. */
  readonly sharedDeadlineAt: number;
  readonly maxReplyBytes: number;
  /** Into the thread: an AbortMessage. Out of it: log lines, as text. */
  readonly port: MessagePort;
}

/** The signal of the call fires. */
export interface AbortMessage {
  readonly name: 'TimeoutError' | 'AbortError';
  readonly message: string;
}
