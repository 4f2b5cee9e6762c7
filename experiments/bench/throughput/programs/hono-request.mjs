// Hono and the client's own request: how one writes it first.
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { connect } from 'nats';
import { listen } from './parent.mjs';

const { SUBJECT } = process.env;

const TIMEOUT_MS = 5000;
const connection = await connect({ servers: process.env.NATS_URL });
const app = new Hono();
app.post('/functions/:name', async (context) => {
  const body = new Uint8Array(await context.req.arrayBuffer());
  const { data } = await connection.request(SUBJECT, body, { timeout: TIMEOUT_MS });
  return context.body(data, 200, { 'Content-Type': 'application/json' });
});
listen(createAdaptorServer({ fetch: app.fetch }));
