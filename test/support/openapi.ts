import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { parse } from 'yaml';
import { z } from 'zod';

/** An answer as a test saw it; header names in lower case. */
export interface SeenAnswer {
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

const headerSchema = z.object({ required: z.boolean().optional(), schema: z.unknown() });
const contentSchema = z.record(z.string(), z.object({ schema: z.unknown().optional() }));
const responseSchema = z.object({
  headers: z.record(z.string(), z.unknown()).optional(),
  content: contentSchema.optional(),
});
const operationSchema = z.object({ responses: z.record(z.string(), z.unknown()) });
const documentSchema = z.looseObject({ paths: z.record(z.string(), z.looseObject({})) });

const raw: unknown = parse(readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8'));
const openapi = documentSchema.parse(raw);

// ajv-formats is a CommonJS module whose default is its own namespace to some loaders.
const addFormats = addFormatsModule as unknown as typeof addFormatsModule.default;
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema({ ...openapi, $id: 'openapi' });

/** Every path and method of `openapi.yaml`, HEAD and OPTIONS left out. */
export function documentedRoutes(): { method: string; path: string }[] {
  return Object.entries(openapi.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => ({ method: method.toUpperCase(), path })),
  );
}

/** Fails unless `openapi.yaml` documents this answer: its status, the headers it must have, its type and its JSON. */
export function assertMatchesOpenapi(method: string, path: string, answer: SeenAnswer): void {
  const where = `${method} ${path} ${answer.status}`;
  const item = Object.entries(openapi.paths).find(([template]) => matches(template, path))?.[1];
  assert.ok(item, `${where}: the path is not in openapi.yaml`);
  const { responses } = operationSchema.parse(item[method.toLowerCase()]);
  const documented = responses[answer.status] ?? responses[`${Math.floor(answer.status / 100)}XX`];
  assert.ok(documented, `${where}: the status is not in openapi.yaml`);
  const { headers = {}, content } = responseSchema.parse(resolve(documented));
  for (const [name, header] of Object.entries(headers)) assertHeader(where, name, header, answer);
  assertContent(where, content, answer);
}

function assertHeader(where: string, name: string, documented: unknown, { headers }: SeenAnswer): void {
  const { required = false, schema } = headerSchema.parse(resolve(documented));
  const value = headers[name.toLowerCase()];
  if (value === undefined) {
    assert.ok(!required, `${where}: the header ${name} is missing`);
    return;
  }
  const validate = ajv.compile({ ...pointed(schema) });
  const isValid = validate(value) || (value !== '' && validate(Number(value)));
  assert.ok(isValid, `${where}: ${name}: ${value} ${ajv.errorsText(validate.errors)}`);
}

function assertContent(
  where: string,
  content: z.infer<typeof contentSchema> | undefined,
  { headers, body }: SeenAnswer,
): void {
  const type = headers['content-type']?.split(';', 1)[0]?.trim();
  if (content === undefined) {
    assert.equal(body, '', `${where}: a body is not documented`);
    return;
  }
  assert.ok(type, `${where}: the answer has no content type`);
  const documented = content[type] ?? content['*/*'];
  assert.ok(documented, `${where}: ${type} is not documented`);
  if (!/[/+]json$/.test(type) || documented.schema === undefined) return;
  const validate: ValidateFunction = ajv.compile(pointed(documented.schema));
  assert.ok(
    validate(JSON.parse(body)),
    `${where}: ${ajv.errorsText(validate.errors)} in ${body.slice(0, 500)}`,
  );
}

function matches(template: string, path: string): boolean {
  const pattern = template.replace(/\{[^}]+\}/g, '[^/]+');
  return new RegExp(`^${pattern}$`).test(path);
}

/** References inside the document, made absolute so that ajv finds them. */
function pointed(schema: unknown): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/'));
}

function resolve(node: unknown): unknown {
  const reference = z.object({ $ref: z.string() }).safeParse(node);
  if (!reference.success) return node;
  let found: unknown = openapi;
  for (const part of reference.data.$ref.slice(2).split('/')) {
    found = z.record(z.string(), z.unknown()).parse(found)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return resolve(found);
}
