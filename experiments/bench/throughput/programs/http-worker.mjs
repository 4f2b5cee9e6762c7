// The handler behind a proxy: bare node:http, no broker.
import { createServer } from 'node:http';
import { answer } from './answer.mjs';
import { listen } from './parent.mjs';

listen(
  createServer((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => {
      const text = JSON.stringify(answer());
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length });
      response.end(text);
    });
  }),
);
