import type { MessageHeaders } from './headers.ts';

// Reads the headers of a well-formed call in one pass: zod takes longer for them than a worker for all the rest of a
// call. What this does not take is left to the schema, which has the last word on what is wrong. That both agree on
// any headers is held by a property test: test/protocol/envelope.test.ts.

/** What a gateway says of a call. Times are Unix milliseconds on the gateway's clock. */
export interface CallEnvelope {
  callId: string;
  gateway: string;
  deadlineWall: number;
  timeoutMs: number;
  replyTo?: string | undefined;
  parked?: number | undefined;
}

/** Longest budget, in milliseconds. */
export const MAX_TIMEOUT_MS = 86_400_000;
/** A subject without wildcards. */
export const SUBJECT = /^[^\s*>]+$/;
export const MAX_SUBJECT = 512;
const MAX_TOKEN = 128;
const MAX_DIGITS = 15;

/** By code of a character: 1 where a token may have it. */
const TOKEN_CHARACTERS = new Uint8Array(128);
for (const one of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-') {
  TOKEN_CHARACTERS[one.charCodeAt(0)] = 1;
}

/** A call as `callHeadersSchema` reads it; undefined when that has to judge. */
export function readEnvelope(headers: MessageHeaders): CallEnvelope | undefined {
  const callId = headers['now-call'];
  const gateway = headers['now-gateway'];
  if (!isToken(callId) || !isToken(gateway)) return undefined;
  const deadlineWall = wholeNumber(headers['now-deadline']);
  const timeoutMs = wholeNumber(headers['now-timeout']);
  if (deadlineWall < 0 || timeoutMs <= 0 || timeoutMs > MAX_TIMEOUT_MS) return undefined;
  const replyTo = headers['now-reply'];
  if (replyTo !== undefined && (replyTo.length > MAX_SUBJECT || !SUBJECT.test(replyTo))) return undefined;
  const parkedText = headers['now-parked'];
  const parked = parkedText === undefined ? undefined : wholeNumber(parkedText);
  if (parked !== undefined && parked < 0) return undefined;
  return { callId, gateway, deadlineWall, timeoutMs, replyTo, parked };
}

function isToken(text: string | undefined): text is string {
  if (text === undefined || text.length === 0 || text.length > MAX_TOKEN) return false;
  for (let i = 0; i < text.length; i++) if (TOKEN_CHARACTERS[text.charCodeAt(i)] !== 1) return false;
  return true;
}

/** 1 to 15 digits as a number, -1 for everything else. */
function wholeNumber(text: string | undefined): number {
  if (text === undefined || text.length === 0 || text.length > MAX_DIGITS) return -1;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
