// The load process: raw sockets in a process of its own, told by its parent what to call and when to count.
import { ClosedLoop } from './closed-loop.ts';
import { holdCalls } from './hold.ts';
import { playOpenLoop } from './open-loop.ts';
import type { LoadCommand } from './plan.ts';

let loop: ClosedLoop | undefined;

process.once('disconnect', () => process.exit(0));
process.on('message', (command: LoadCommand) => void obey(command));

async function obey(command: LoadCommand): Promise<void> {
  switch (command.kind) {
    case 'begin':
      loop = new ClosedLoop(command.plan);
      return;
    case 'hold':
      holdCalls(command.plan);
      return;
    case 'play':
      process.send?.(await playOpenLoop(command.plan));
      return;
    case 'mark':
      loop?.mark();
      process.send?.('marked');
      return;
    case 'measure':
      loop?.measure();
      process.send?.('measured');
      return;
    case 'stop':
      process.send?.(await loop?.stop());
      return;
  }
}
