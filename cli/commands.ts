import type { CommandEntry } from './command.ts';

/** All commands. Listing them loads none: the program loads the command that it runs, and no other. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'dev',
    usage: '[file or folder]...',
    summary: 'run a NATS server, workers and a gateway, for development',
    load: async () => (await import('./dev.ts')).devCommand,
  },
  {
    name: 'gateway',
    usage: '',
    summary: 'accept calls over HTTP and send them to workers over NATS',
    load: async () => (await import('./gateway.ts')).gatewayCommand,
  },
  {
    name: 'worker',
    usage: '<file or folder>...',
    summary: 'serve functions from files and folders',
    load: async () => (await import('./worker.ts')).workerCommand,
  },
  {
    name: 'top',
    usage: '',
    summary: 'show the load of the workers of each function, and how many calls wait',
    load: async () => (await import('./top.ts')).topCommand,
  },
  {
    name: 'load',
    usage: '[address]...',
    summary: 'call gateways at a fixed rate and report what came back',
    load: async () => (await import('./load.ts')).loadCommand,
  },
];
