// moleculer-web as its guide shows it. It logs nothing: by default it would log two lines for each call.
import moleculer from 'moleculer';
import api from 'moleculer-web';
import { tellParent } from '../programs/parent.mjs';

const broker = new moleculer.ServiceBroker({
  nodeID: 'gateway',
  transporter: process.env.NATS_URL,
  logger: false,
});
const service = broker.createService({
  mixins: [api],
  settings: {
    port: 0,
    ip: '127.0.0.1',
    routes: [
      {
        path: '/functions',
        aliases: { 'POST bench': 'bench.run' },
        bodyParsers: { json: { limit: '2mb' } },
      },
    ],
  },
});
await broker.start();
service.server.keepAliveTimeout = 60_000;
await broker.waitForServices('bench');
tellParent(service.server.address().port);
