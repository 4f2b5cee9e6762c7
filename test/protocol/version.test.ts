import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { callHeadersSchema } from '../../protocol/call.ts';
import { codes } from '../../protocol/codes.ts';
import { infoResponseSchema, pingResponseSchema, statsResponseSchema } from '../../protocol/discovery.ts';
import { forwardedRequestHeaders, header } from '../../protocol/headers.ts';
import { problemSchema } from '../../protocol/problem.ts';
import { replyCodeSchema, replyHeadersSchema, signalSchema } from '../../protocol/reply.ts';
import {
  cancelSchema,
  demandSchema,
  helloSchema,
  pullFromSchema,
  pullSchema,
  stateSchema,
} from '../../protocol/state.ts';
import { DEFAULT_GROUP, GATEWAYS_QUEUE, Subjects } from '../../protocol/subjects.ts';
import { PROTOCOL_CHANGES, PROTOCOL_VERSION } from '../../protocol/version.ts';

/** What each version and revision put on the wire: a hash here never changes, a change adds one. */
const WIRE_OF_VERSION: Readonly<Record<string, string>> = {
  '1': '62949e2747464fcbac06ad4e091a17c9',
  '1.1': '0b9fc0219245e554ce011668f64bbebf',
};

test('the wire changes only together with its version', () => {
  const byNumber = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true });
  const newest = Object.keys(PROTOCOL_CHANGES).sort(byNumber).at(-1) ?? '';
  assert.equal(newest.split('.')[0], PROTOCOL_VERSION);
  assert.equal(wireHash(), WIRE_OF_VERSION[newest], 'say in PROTOCOL_CHANGES what changed');
});

test('every version says what it changed', () => {
  assert.deepEqual(Object.keys(PROTOCOL_CHANGES).sort(), Object.keys(WIRE_OF_VERSION).sort());
});

function wireHash(): string {
  const messages = {
    callHeadersSchema,
    replyHeadersSchema,
    signalSchema,
    replyCodeSchema,
    helloSchema,
    stateSchema,
    demandSchema,
    pullSchema,
    pullFromSchema,
    cancelSchema,
    problemSchema,
    pingResponseSchema,
    infoResponseSchema,
    statsResponseSchema,
  };
  const schemas = Object.entries(messages).map(([name, schema]) => [
    name,
    z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }),
  ]);
  const facts = Object.entries(codes).map(([code, { status, started }]) => [code, status, started]);
  return createHash('sha256')
    .update(JSON.stringify([schemas, facts, header, forwardedRequestHeaders, allSubjects()]))
    .digest('hex')
    .slice(0, 32);
}

function allSubjects(): string[] {
  const s = new Subjects('p');
  const each = [s.call('f'), s.work('w', 'f'), s.replies('g'), s.hello(), s.state('w'), s.demand('f', 'q')];
  return [...each, s.pull('f', 'q'), s.pullFrom('g'), s.cancel('w'), DEFAULT_GROUP, GATEWAYS_QUEUE];
}
