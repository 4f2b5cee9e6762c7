import { get, request } from 'node:http';
import { z } from 'zod';
import { CALL_HEADER } from '../../harness/call-headers.ts';
import { sharedNow } from '../../harness/clock.mjs';
import type { LossCall } from './checks.ts';

/** A call to make. */
export interface CallToMake {
  /** What it is POSTed to. */
  readonly url: string;
  /** Its number, by which the ledger knows it and which its result repeats. */
  readonly call: number;
  readonly budgetMs: number;
  /** Send the head and half of the body, and the other half when told to. */
  readonly isSplit?: boolean;
}

/** A call under way. */
export interface OpenCall {
  /** The gateway has admitted the head, and half of the body is sent. Never resolves for a call that is not split. */
  readonly admitted: Promise<void>;
  /** Never rejects: what befalls the connection is told as status 0 with its code. */
  readonly seen: Promise<LossCall>;
  /** Sends the other half; nothing when the connection is closed by now. */
  sendRest(): void;
}

const problemSchema = z.object({ code: z.string(), started: z.enum(['no', 'yes', 'unknown']) });
const resultSchema = z.object({ call: z.number() });

/** How many budgets a caller waits that has no patience of its own. Whoever waits so long was forgotten. */
const PATIENCE = 5;

/** Makes a call on a connection of its own. */
export function makeCall({ url, call, budgetMs, isSplit = false }: CallToMake): OpenCall {
  const body = JSON.stringify({ call });
  const half = isSplit ? Math.floor(body.length / 2) : body.length;
  const sentAt = sharedNow();
  const outgoing = request(url, {
    method: 'POST',
    agent: false,
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': body.length,
      'Request-Timeout': budgetMs / 1000,
      [CALL_HEADER]: call,
      // The word to go on is the proof that the gateway has the head.
      ...(isSplit ? { Expect: '100-continue' } : {}),
    },
  });
  const admitted = new Promise<void>((resolve) => {
    outgoing.once('continue', () => outgoing.write(body.slice(0, half), () => resolve()));
  });
  const seen = new Promise<LossCall>((resolve) => {
    const patience = setTimeout(
      () => outgoing.destroy(Object.assign(new Error('no answer'), { code: 'no_answer' })),
      budgetMs * PATIENCE,
    );
    const end = (status: number, told: Pick<LossCall, 'code' | 'started' | 'isOwn'>): void => {
      clearTimeout(patience);
      resolve({ call, sentAt, endedAt: sharedNow(), status, ...told });
    };
    const fail = (error: NodeJS.ErrnoException): void =>
      end(0, { code: error.code ?? 'closed', started: undefined, isOwn: false });
    outgoing.on('error', fail);
    outgoing.once('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (part: string) => {
        text += part;
      });
      incoming.once('error', fail);
      incoming.once('end', () => end(incoming.statusCode ?? 0, readAnswer(text, call)));
    });
  });
  if (isSplit) outgoing.flushHeaders();
  else outgoing.end(body);
  return {
    admitted,
    seen,
    sendRest: () => {
      if (!outgoing.destroyed) outgoing.end(body.slice(half));
    },
  };
}

/** Resolves when the gateway has answered something else: what reached it before, it has dealt with. */
export function askHealth(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = get(`${url}/healthz`, { agent: false }, (incoming) => {
      incoming.resume();
      incoming.once('end', resolve);
    });
    outgoing.on('error', reject);
  });
}

function readAnswer(text: string, call: number): Pick<LossCall, 'code' | 'started' | 'isOwn'> {
  const parsed = parseJson(text);
  const problem = problemSchema.safeParse(parsed);
  if (problem.success) return { ...problem.data, isOwn: false };
  const result = resultSchema.safeParse(parsed);
  return { code: 'ok', started: undefined, isOwn: result.success && result.data.call === call };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
