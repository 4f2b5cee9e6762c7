// A process with a pool, to see what becomes of its children: tells their pids, then does as it is told. Its
// argument is what the children do.

import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { WorkerPool } from '../../workers/process/pool.ts';

const pids = [];
const pool = new WorkerPool({
  settings: {
    paths: [process.argv[2]],
    natsUrl: '',
    subjectPrefix: 'now',
    slots: undefined,
    group: 'workers',
    drainMs: 1000,
  },
  processes: 2,
  log: pino({ level: 'silent' }),
  childLog: { level: 'info', pretty: false },
  entry: fileURLToPath(new URL('pool-child.mjs', import.meta.url)),
  onReady: (pid) => pids.push(pid),
});
process.on('message', (word) => {
  if (word === 'exit') process.exit(1);
  if (word === 'throw') throw new Error('uncaught');
});
await pool.start();
process.send(pids);
