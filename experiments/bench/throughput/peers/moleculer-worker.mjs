import moleculer from 'moleculer';
import { answer } from '../programs/answer.mjs';
import { tellParent } from '../programs/parent.mjs';

const broker = new moleculer.ServiceBroker({
  nodeID: 'worker',
  transporter: process.env.NATS_URL,
  logger: false,
});
broker.createService({ name: 'bench', actions: { run: () => answer() } });
await broker.start();
tellParent('ready');
