// Hono on the floor's mux.
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { request } from './mux.mjs';
import { listen } from './parent.mjs';

const { SUBJECT } = process.env;

const app = new Hono();
app.post('/functions/:name', async (context) => {
  const body = new Uint8Array(await context.req.arrayBuffer());
  const data = await new Promise((resolve) => request(SUBJECT, body, resolve));
  return context.body(data, 200, { 'Content-Type': 'application/json' });
});
listen(createAdaptorServer({ fetch: app.fetch }));
