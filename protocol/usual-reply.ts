import type { MessageHeaders } from './headers.ts';

/** A result, with what its worker reports; times in milliseconds. */
export interface UsualReply {
  kind: 'result';
  status: number;
  worker: string | undefined;
  group: string | undefined;
  free: number | undefined;
  serviceMs: number | undefined;
  waitMs: number | undefined;
  workMs: number | undefined;
}

/**
 * Reads a reply whose headers all have their usual form, in one pass and without a schema: a tenth of what the schema
 * costs, once per call. undefined for everything else, also what is valid but written otherwise (`1e3`): the schema
 * decides on that. test/protocol/reply.test.ts holds the two to the same answer.
 */
export function readUsualReply(headers: MessageHeaders): UsualReply | undefined {
  const worker = headers['now-worker'];
  const group = headers['now-group'];
  const status = headers['now-status'];
  if (headers['now-signal'] !== undefined || headers['nats-service-error-code'] !== undefined)
    return undefined;
  if (worker !== undefined && !TOKEN.test(worker)) return undefined;
  if (group !== undefined && !TOKEN.test(group)) return undefined;
  if (status !== undefined && !STATUS.test(status)) return undefined;
  const free = numberOf(headers['now-free'], COUNT);
  const serviceMs = numberOf(headers['now-service-ms'], MILLISECONDS);
  const waitMs = numberOf(headers['now-wait-ms'], MILLISECONDS);
  const workMs = numberOf(headers['now-work-ms'], MILLISECONDS);
  if (free === null || serviceMs === null || waitMs === null || workMs === null) return undefined;
  return {
    worker,
    group,
    free,
    serviceMs,
    waitMs,
    workMs,
    kind: 'result',
    status: status === undefined ? 200 : Number(status),
  };
}

const TOKEN = /^[A-Za-z0-9_-]{1,128}$/;
const STATUS = /^[2-5]\d\d$/;
const COUNT = /^\d{1,6}$/;
const MILLISECONDS = /^\d{1,7}(\.\d{1,6})?$/;

/** undefined when it is missing, null when it has another form. */
function numberOf(text: string | undefined, form: RegExp): number | undefined | null {
  if (text === undefined) return undefined;
  return form.test(text) ? Number(text) : null;
}
