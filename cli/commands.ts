import type { CommandEntry } from './command.ts';

/** All commands. Listing them loads none: the program loads the command that it runs, and no other. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'dev',
    usage: '[file or folder]...',
    summary: 'all in one for development: a NATS server, workers and a gateway',
    load: async () => (await import('./dev.ts')).devCommand,
  },
  {
    name: 'gateway',
    usage: '',
    summary: 'answer HTTP calls by workers on NATS',
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
    summary: 'show what the workers of each function do, and how many calls wait',
    load: async () => (await import('./top.ts')).topCommand,
  },
  {
    name: 'load',
    usage: '[address]...',
    summary: 'call gateways at a fixed rate and report what came back',
    load: async () => (await import('./load.ts')).loadCommand,
  },
];
