// The floor: bare node:http, NATS client, one mux.
import { createServer } from 'node:http';
import { request } from './mux.mjs';
import { listen } from './parent.mjs';

const { SUBJECT } = process.env;

listen(
  createServer((incoming, response) => {
    const chunks = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      request(SUBJECT, body, (data) => {
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': data.length });
        response.end(data);
      });
    });
  }),
);
