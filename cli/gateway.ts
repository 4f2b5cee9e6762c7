import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { GatewayProcessesOptions } from '../gateway/processes/gateway-processes.ts';
import type { GatewaySettings } from '../gateway/settings.ts';
import { integer, OptionsError, readOptions, text, toggle } from '../lib/options.ts';
import type { Command } from './command.ts';
import type { Program } from './run.ts';
import { commonSettings, milliseconds } from './settings.ts';

const hostName = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,253}$/, 'must be an address or a host name, without brackets and port');

/** What the gateway alone can be told. */
export const gatewaySettings = {
  port: integer({ min: 0, max: 65_535, default: 8080, help: 'TCP port for callers; 0 picks a free port.' }),
  host: text({
    schema: hostName,
    placeholder: 'address',
    default: '127.0.0.1',
    help: 'Address to listen on for callers; 0.0.0.0 listens on all.',
  }),
  adminPort: integer({
    min: 0,
    max: 65_535,
    default: 9090,
    help: 'TCP port on loopback for health and metrics; 0 turns it off.',
  }),
  deadlineMs: milliseconds({ default: 5000, help: 'Deadline of a call that sets none.' }),
  maxDeadlineMs: milliseconds({ default: 30_000, help: 'Maximum deadline of a call.' }),
  maxBodyBytes: integer({
    min: 0,
    max: 64 * 1024 * 1024,
    placeholder: 'bytes',
    default: undefined,
    defaultText: "what the broker's max_payload leaves",
    help: "Maximum size of a call's body.",
  }),
  maxInFlight: integer({
    min: 1,
    max: 1_000_000,
    default: 10_000,
    help: 'Maximum number of open calls; more are refused.',
  }),
  retryAfterS: integer({
    min: 0,
    max: 86_400,
    placeholder: 'seconds',
    default: 10,
    help: 'Retry-After when no worker serves the function.',
  }),
  parking: toggle({ default: true, help: 'Hold calls until a slot is free; off refuses them at once.' }),
  earlyRefusal: toggle({
    default: true,
    help: 'Refuse a call at once if no slot can be free before its deadline; off lets it wait.',
  }),
  maxParkedBytes: integer({
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    placeholder: 'bytes',
    default: undefined,
    defaultText: 'a sixteenth of the memory',
    help: 'Maximum total size of the bodies that wait for one function and group.',
  }),
};

/** Throws an OptionsError when two settings contradict each other. */
export function checkDeadlines({
  deadlineMs,
  maxDeadlineMs,
}: Pick<GatewaySettings, 'deadlineMs' | 'maxDeadlineMs'>): void {
  if (deadlineMs > maxDeadlineMs) {
    throw new OptionsError(`--deadline-ms ${deadlineMs} must be at most --max-deadline-ms ${maxDeadlineMs}`);
  }
}

const settings = {
  ...gatewaySettings,
  processes: integer({
    min: 0,
    max: 256,
    default: 1,
    help: 'Number of gateway processes that share the port; 0 starts one for each core.',
  }),
  ...commonSettings,
};

/** `gateway`: HTTP in front, NATS behind. */
export const gatewayCommand: Command = {
  settings,
  async prepare(args, env) {
    const { values, positionals } = readOptions(settings, args, env);
    if (positionals.length > 0)
      throw new OptionsError(`gateway takes no arguments, got ${positionals.length}`);
    checkDeadlines(values);
    const { createLogger } = await import('../lib/log.ts');
    const { processes: wanted, logLevel, ...own } = values;
    const processes = wanted === 0 ? availableParallelism() : wanted;
    const log = createLogger({ service: 'gateway', level: logLevel, out: process.stdout });
    return processes === 1
      ? oneProcess(own, log)
      : manyProcesses({ settings: own, processes, log, logLevel });
  },
};

/** What a gateway may take to end, after `drainMs`. */
const END_LIMIT_MS = 15_000;

async function oneProcess(own: GatewaySettings, log: Logger): Promise<Program> {
  const { Gateway } = await import('../gateway/gateway.ts');
  const gateway = new Gateway(own, log);
  return {
    log,
    async start() {
      await gateway.start();
      log.info({ id: gateway.id, port: gateway.port, adminPort: gateway.adminPort }, 'ready');
    },
    end: () => gateway.end(),
    endLimitMs: own.drainMs + END_LIMIT_MS,
  };
}

async function manyProcesses(options: GatewayProcessesOptions): Promise<Program> {
  const { GatewayProcesses } = await import('../gateway/processes/gateway-processes.ts');
  const { log, processes } = options;
  const gateways = new GatewayProcesses(options);
  return {
    log,
    async start() {
      await gateways.start();
      log.info({ port: gateways.port, adminPort: gateways.adminPort, processes }, 'ready');
    },
    end: () => gateways.end(),
    endLimitMs: options.settings.drainMs + END_LIMIT_MS,
    reload: () => gateways.reload(),
  };
}
