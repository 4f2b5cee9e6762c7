// Hashes a password as it should be: slowly. It computes, so it runs in worker threads.
import { randomBytes, scryptSync } from 'node:crypto';
import { defineFunction, FunctionError } from 'now-or-never';
import { z } from 'zod';

// 32 MiB of memory for each call.
const COST = { N: 2 ** 15, r: 8, p: 1 };
const KEY_BYTES = 32;

const textInput = z.object({ text: z.string() });

export default defineFunction({
  description:
    'scrypt of the bytes in the body, or of {"text": "..."} if it is JSON; with a new salt each time.',
  threads: true,
  run(input) {
    const salt = randomBytes(16);
    const hash = scryptSync(secretOf(input), salt, KEY_BYTES, { ...COST, maxmem: 64 * 1024 * 1024 });
    return { algorithm: 'scrypt', ...COST, salt: salt.toString('hex'), hash: hash.toString('hex') };
  },
});

function secretOf(input) {
  if (input instanceof Uint8Array) return input;
  const read = textInput.safeParse(input);
  if (read.success) return read.data.text;
  throw new FunctionError(422, 'the body must be bytes, or JSON of the form {"text": "..."}');
}
