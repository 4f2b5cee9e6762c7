import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Transport } from '@nestjs/microservices';
import { answer } from '../programs/answer.mjs';
import { tellParent } from '../programs/parent.mjs';

class Bench {
  run() {
    return answer();
  }
}
Controller()(Bench);
MessagePattern('bench')(Bench.prototype, 'run', Object.getOwnPropertyDescriptor(Bench.prototype, 'run'));

class App {}
Module({ controllers: [Bench] })(App);

const app = await NestFactory.createMicroservice(App, {
  transport: Transport.NATS,
  options: { servers: [process.env.NATS_URL], queue: 'workers' },
  logger: false,
});
await app.listen();
tellParent('ready');
