import { type LabResult, LOSS_PARTS, LOSS_PHASES, LOSS_SIGNALS, type Loss } from '../result.ts';
import { WORK } from './text.ts';

/** A result that has a loss table. */
export type LossResult = Pick<LabResult, 'at' | 'command' | 'versions' | 'machine'> & {
  readonly losses: NonNullable<LabResult['losses']>;
};

const WIDTH = 140;

/** The page about losses, from a run. Cells that were not run are left empty. */
export function lossesMarkdown(result: LossResult): string {
  const { losses } = result;
  const tables = LOSS_PARTS.map((part) => `### ${HEADINGS[part]}\n\n${table(part, losses.cells)}\n`);
  return [
    wrap(INTRODUCTION),
    '## The table',
    wrap(READING(losses.budgetMs / 1000)),
    ...tables.map((text) => text.trimEnd()),
    wrap(origin(result)),
    '```sh\nnpm run lab -- losses\nnpm run lab -- losses worker/SIGKILL gateway/SIGTERM/parked\n```',
    wrap(MEANING),
    '',
  ].join('\n\n');
}

const HEADINGS = { broker: 'The broker', worker: 'The worker', gateway: 'The gateway' } as const;

function table(part: Loss['part'], cells: readonly Loss[]): string {
  const rows = LOSS_PHASES.map((phase) => {
    const own = LOSS_SIGNALS.map((signal) =>
      cells.find((cell) => cell.part === part && cell.signal === signal && cell.phase === phase),
    );
    return `| ${[phase, ...own.map((cell) => (cell === undefined ? '' : textOf(cell)))].join(' | ')} |`;
  });
  return [`| the call is | ${LOSS_SIGNALS.join(' | ')} |`, '|---|---|---|---|', ...rows].join('\n');
}

/** `504 deadline_exceeded at 1.0, started: unknown; ran to its end`. */
function textOf({ status, code, started, tookShare, work }: Loss): string {
  const when = `at ${tookShare.toFixed(1)}`;
  if (status === 0) return `connection closed ${when}; ${WORK[work]}`;
  if (started === undefined) return `**${status}** ${when}; ${WORK[work]}`;
  return `${status} \`${code}\` ${when}, started: **${started}**; ${WORK[work]}`;
}

function origin({ at, command, versions, machine, losses }: LossResult): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const held = losses.checks.filter(({ ok }) => ok).map(({ says }) => `- ${says}`);
  const broken = losses.checks.filter(({ ok }) => !ok).map(({ says, got }) => `- ${says}: ${got}`);
  return [
    `${at.slice(0, 10)}: ${programs.join(', ')}; ${machine.processor}, ${machine.cores} cores, ${Math.round(machine.memoryGiB)} GiB, ${machine.system}.`,
    `Checked in the ledgers and answers of all ${losses.cells.length} cells, and found to hold:`,
    held.join('\n'),
    ...(broken.length === 0 ? [] : ['**Found not to hold:**', broken.join('\n')]),
    `This page was written by \`${command}\`. The first of these commands runs the whole table, in about two minutes, the second one some cells of it:`,
  ].join('\n\n');
}

/** Breaks the lines of paragraphs, as the other pages have them; tables, lists and code stay as they are. */
function wrap(text: string): string {
  return text
    .trim()
    .split('\n\n')
    .map((paragraph) => (/^([|#-]|```)/.test(paragraph) ? paragraph : wrapParagraph(paragraph)))
    .join('\n\n');
}

function wrapParagraph(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}

const INTRODUCTION = `
# What is lost, and when

A call lives in three places: in the gateway, in the broker's memory while it passes, and in a worker. Nothing is stored. This page says
what a caller sees when one of the three is told to end, is killed or stands still, for each moment of a call's life; and whether the work
was done all the same. Every cell was run: on real processes, with the call held in that moment until the signal had come.
`;

const READING = (budgetS: number) => `
One broker, one gateway, and one worker with one slot: there is nobody to take over. With more gateways and workers, a call that was not
begun goes to another worker, and new calls go to another gateway. The budget of each call is ${budgetS} seconds, and "at 0.4" means that the caller
knew after 0.4 of it. Behind the semicolon stands what really happened to the work, which the caller does not see.

This is about calls that are under way when it happens. A new call is refused as soon as the gateway knows that nothing can serve it: 503
\`broker_unavailable\` or \`no_responders\`, both with \`started: no\`.

- **SIGTERM** goes to the program, as a user or a supervisor sends it.
- **SIGKILL** goes to the program and all its processes, as when its host goes. A killed broker stays away until the call is over. A worker process that is killed alone loses what it had in the same way, and is started again.
- **SIGSTOP** stops the program and all its processes, for 1.5 budgets; then they go on.
`;

const MEANING = `
## How a call is held in its moment

Gateway and worker are each connected to the broker through a relay that can hold what passes, and that shows that it is there.

- **before it is sent**: the gateway has said \`100 Continue\` to the head, and has answered something else after it; half of the body is missing. It follows when the signal has come.
- **parked**: the only slot is taken by a longer call, and the gateway tells the workers of its demand, which it does only while it holds a call.
- **on the way**: the gateway has sent the call, and the relay holds it on its way to the worker. It is let go when the signal has come.
- **running**: the handler has noted that it began.
- **answering**: the handler has noted that it ended, and the relay holds the reply on its way to the broker. It is let go when the signal has come. What a process had sent before it was killed still arrives.

## What loses nothing

A gateway that is told to end answers every call that it has. A worker that is told to end runs and answers what it has begun; what it has
not begun goes to another worker, or, as here, where there is none, its caller is told \`no_responders\` with \`started: no\`. Nothing is lost in
either case: there is a result, or a no that is certain. Give them the time: \`--drain-ms\`, and a longer patience of the supervisor.

A broker that is told to end by SIGTERM goes at once, as if it were killed. Its orderly end is \`nats-server --signal ldm\`, in a cluster:
gateways and workers then move to another server first.

## Why some answers stay \`unknown\`

Look at two cells with the same answer: the call of one never ran, that of the other ran to its end. The gateway cannot tell them apart. It
has sent the call, and then hears nothing: the call may have been lost on its way there, or its reply on the way back. No further message
would help, because it can be lost as well. So the gateway says \`no\` only with a proof that nobody began the call, and otherwise \`unknown\`; it never
sends a call again that may have begun. The same goes for \`worker_lost\`: a worker that was killed cannot say what it had begun.

\`no\` is certain while the call is in the gateway (before it is sent, parked), and when a worker or the broker has said that it was not begun.

When the gateway itself is killed its callers see a connection that closes. That is an \`unknown\`, too. A gateway that stands still says nothing at
all until it goes on; only its caller's own clock helps. A call that reaches it meanwhile is new to it when it goes on: its budget begins then.

## What a caller should do

- A result: done.
- \`started: no\`: send it again, if there is time; after \`Retry-After\`, if the answer has it.
- \`started: unknown\`, or a connection that closed: find out whether the work was done, or repeat the call only if running it twice does no harm. \`Idempotency-Key\` is passed on to the function, which can recognise a call by it.
- Have a time limit of your own, a little longer than the budget (half a second), and treat its end like a connection that closed. Close the connection then: a waiting call is dropped, a running one cancelled.
- If none of that is good enough, the work must be stored before it is acknowledged: use a queue, for example [JetStream](https://docs.nats.io/nats-concepts/jetstream).
`;
