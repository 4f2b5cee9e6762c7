import { createLogger } from '../../lib/log.ts';
import { type ChildProgram, runChild } from '../../lib/run-child.ts';
import { Gateway } from '../gateway.ts';
import { type ChildReady, type ChildSettings, childSettingsSchema, toRefusalAnswer } from './messages.ts';
import { outliveParent } from './shared-port.ts';

/** What the parts of a gateway may take to stop, after `drainMs`. */
const STOP_MS = 4000;

/** The entry of one gateway process; `GatewayProcesses` starts it. */
outliveParent();
runChild(childSettingsSchema, gatewayProgram);

function gatewayProgram({ gateway: settings, logLevel }: ChildSettings): ChildProgram {
  const log = createLogger({ service: 'gateway', level: logLevel, out: process.stdout });
  const gateway = new Gateway(settings, log);
  gateway.metrics.addProcess();
  let isListening = false;
  return {
    log,
    async start(): Promise<ChildReady> {
      await gateway.start();
      isListening = true;
      return { id: gateway.id, port: gateway.port };
    },
    async end({ isReplaced }) {
      isListening = false;
      await (isReplaced ? gateway.leave() : gateway.end());
      return gateway.metrics.samples();
    },
    answer(question) {
      if (question === 'metrics') return gateway.metrics.samples();
      return isListening ? toRefusalAnswer(gateway.refusal()) : undefined;
    },
    endLimitMs: settings.drainMs + STOP_MS,
  };
}
