import { awaitConnection } from '../../lib/await-connection.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/log.ts';
import { NatsBus } from '../../lib/nats.ts';
import { randomToken } from '../../lib/random-token.ts';
import { Observer } from '../../observe/observer.ts';
import type { Snapshot } from '../../observe/snapshot.ts';
import { Subjects } from '../../protocol/subjects.ts';
import type { Program } from '../run.ts';
import { Screen } from './screen.ts';
import type { TopSettings } from './settings.ts';
import { snapshotLines } from './snapshot-text.ts';

const CONNECT_WAIT_MS = 2000;
const STOP_LIMIT_MS = 5000;
/** Rates are differences: the workers are asked twice before the only snapshot of `--once`. */
const TICKS_OF_ONCE = 2;

/** Asks the workers again and again, and shows what they answer. */
export function topProgram(values: TopSettings): Program {
  const { stdout, stderr } = process;
  const isDrawn = stdout.isTTY === true && !values.json && !values.once;
  // Lines of a log would end up inside the table; it says itself when the broker is away.
  const log = createLogger({
    service: 'top',
    level: isDrawn ? 'silent' : 'error',
    pretty: true,
    out: stderr,
  });
  const id = `top-${randomToken()}`;
  const bus = new NatsBus({ servers: values.natsUrl, name: id, log });
  const subjects = new Subjects(values.subjectPrefix);
  const observer = new Observer({ id, bus, clock: systemClock, subjects });
  const screen = new Screen(isDrawn ? stdout : { write: (text) => stdout.write(text) });
  const show = (snapshot: Snapshot): void => {
    if (values.json) stdout.write(`${JSON.stringify(snapshot)}\n`);
    else screen.show(snapshotLines(snapshot));
  };
  let finish: (exitCode: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    finish = resolve;
  });
  let ticks = 0;
  const tick = (): void => {
    ticks++;
    if (values.once && ticks < TICKS_OF_ONCE) return observer.ask();
    show(observer.snapshot());
    if (values.once) finish(0);
    else observer.ask();
  };
  let timer: NodeJS.Timeout | undefined;
  const stop = async (): Promise<void> => {
    clearInterval(timer);
    if (isDrawn) screen.stop();
    observer.stop();
    await bus.close();
  };
  return {
    log,
    async start() {
      // Whoever read it has left: `top --json | head -1`.
      stdout.on('error', () => finish(0));
      bus.start();
      await awaitConnection(bus, systemClock, CONNECT_WAIT_MS);
      if (values.once && !bus.connected) throw new Error('cannot connect to NATS, see --nats-url');
      observer.start();
      if (isDrawn) {
        screen.start();
        show(observer.snapshot());
      }
      observer.ask();
      timer = setInterval(tick, values.everyMs);
    },
    async end() {
      await stop();
      finish(0);
    },
    endLimitMs: STOP_LIMIT_MS,
    ended,
  };
}
