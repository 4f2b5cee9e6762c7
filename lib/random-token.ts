import { randomFillSync } from 'node:crypto';

const BYTES = 12;
const pool = Buffer.alloc(BYTES * 512);
let used = pool.length;

/** 96 random bits as 16 characters of A-Z a-z 0-9 _ -: unique, and nobody can guess the next one. */
export function randomToken(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += BYTES;
  return pool.toString('base64url', used - BYTES, used);
}
