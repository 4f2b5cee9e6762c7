import { CALL_HEADER, SIZE_HEADER } from '../../call-headers.ts';
import type { TraceCall } from '../trace.ts';

/** How the generator reaches a system. */
export interface CallerPlan {
  readonly kind: 'nats' | 'http' | 'amqp';
  /** One for each gateway: a NATS or AMQP address, or `http://host:port/path` to post to. */
  readonly urls: readonly string[];
  /** NATS subject or AMQP queue. */
  readonly subject: string;
  readonly deadlineMs: number;
}

/** How a call ended. */
export interface CallerAnswer {
  readonly ok: boolean;
  /** `ok`, or what kind of failure. */
  readonly code: string;
}

/** A call under way. */
interface SentCall {
  /** Never rejects; need not settle after `abandon`. */
  readonly answer: Promise<CallerAnswer>;
  /** The caller leaves. What the system learns of it depends on the system. */
  abandon(): void;
}

/** A connection to a system, or one for each of its gateways. */
export interface Caller {
  send(call: TraceCall): SentCall;
  close(): Promise<void>;
}

/** Every system gets the same 256 bytes. */
export const body = new Uint8Array(256).fill(0x61);

export const ok: CallerAnswer = { ok: true, code: 'ok' };

/** What tells the worker how much to do. */
export function workHeaders({ id, size }: TraceCall): Record<string, string> {
  return { [CALL_HEADER]: String(id), [SIZE_HEADER]: size.toFixed(3) };
}
