// NestJS on Fastify, with a client of its NATS microservices. Plain JavaScript: decorators are called as functions.
import 'reflect-metadata';
import { Body, Controller, HttpCode, Inject, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule, Transport } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { tellParent } from '../programs/parent.mjs';

class Functions {
  constructor(client) {
    this.client = client;
  }

  call(body) {
    return this.client.send('bench', body);
  }
}
Controller('functions')(Functions);
Inject('BENCH')(Functions, undefined, 0);
const descriptor = Object.getOwnPropertyDescriptor(Functions.prototype, 'call');
Post('bench')(Functions.prototype, 'call', descriptor);
// 200 as everybody else, not Nest's 201.
HttpCode(200)(Functions.prototype, 'call', descriptor);
Body()(Functions.prototype, 'call', 0);

class App {}
const client = { name: 'BENCH', transport: Transport.NATS, options: { servers: [process.env.NATS_URL] } };
Module({ imports: [ClientsModule.register([client])], controllers: [Functions] })(App);

const app = await NestFactory.create(App, new FastifyAdapter({ bodyLimit: 2 * 1024 * 1024 }), {
  logger: false,
});
await app.listen(0, '127.0.0.1');
tellParent(app.getHttpServer().address().port);
