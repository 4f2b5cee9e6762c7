// Logs a line of 1,000 characters at each turn of the loop, and tells its parent how it fares. With an argument it logs
// that and exits.
import { createLogger } from '../../lib/log.ts';

const log = createLogger({ service: 'stub', level: 'info', out: process.stdout });
const [, , lastWords = ''] = process.argv;
if (lastWords !== '') {
  log.info(lastWords);
  process.exit(0);
}
process.on('message', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
let written = 0;
setInterval(() => {
  for (let i = 0; i < 100; i++) log.info('x'.repeat(900));
  written += 100;
  process.send({ written, waiting: process.stdout.writableLength });
}, 5);
