import { ours } from './ours.ts';
import { bare, framework } from './over-nats.ts';
import { haproxy, nginx } from './proxies.ts';
import type { SystemStarter } from './system.ts';

/** A system of the benchmark. */
export interface System {
  /** As tables call it. */
  readonly title: string;
  readonly start: SystemStarter;
}

/** All systems by name, in the order of the report. */
export const systems: Readonly<Record<string, System>> = {
  floor: { title: 'floor: `node:http`, NATS client, own mux', start: bare('floor') },
  'hono-floor': { title: 'Hono on the floor', start: bare('hono-floor') },
  'hono-request': { title: 'Hono, `nc.request()`', start: bare('hono-request') },
  ours: { title: '**now-or-never**', start: ours({}) },
  // By default a worker runs 16 calls at a time, and what comes beyond is parked.
  'ours-free': { title: 'now-or-never, slots for all', start: ours({ flags: ['--slots', '512'] }) },
  'ours-bare': { title: 'now-or-never before a bare responder', start: ours({ worker: 'bare' }) },
  moleculer: {
    title: 'moleculer-web, NATS',
    start: framework('moleculer', ['moleculer', 'moleculer-web']),
  },
  nestjs: {
    title: 'NestJS on Fastify, NATS',
    start: framework('nest', ['@nestjs/core', '@nestjs/microservices', 'fastify']),
  },
  nginx: { title: 'nginx, HTTP worker', start: nginx },
  haproxy: { title: 'HAProxy, HTTP worker', start: haproxy },
};

/** Another build of the product as a system. */
export function build(dist: string): System {
  return { title: `now-or-never, ${dist}`, start: ours({ dist }) };
}
