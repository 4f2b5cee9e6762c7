import { randomStream } from '../../../lib/random-stream.ts';
import { paceCalls } from '../../../load/pace.ts';
import { exponential } from '../../../load/schedule.ts';
import { HttpConnection } from '../generator/callers/http-connection.ts';
import { Histogram } from '../histogram.ts';
import { BIN_MS, type OpenPlan, type PhaseFigures, requestCycle } from './plan.ts';

/** More connections than this are not opened: each costs a descriptor here and in the system. */
const MAX_CONNECTIONS = 4000;
/** A refusal that comes just after the deadline then costs no connection; it is too late all the same. */
const LINGER_MS = 25;
const SWEEP_MS = 10;

interface SentCall {
  readonly connection: HttpConnection;
  readonly sentAt: number;
  readonly phase: Phase;
  readonly bin: Bin;
  isOver: boolean;
}

/** Plays an open loop; resolves with what came of each phase when the last caller has its answer or has given up. */
export async function playOpenLoop(plan: OpenPlan): Promise<PhaseFigures[]> {
  const loop = new OpenLoop(plan);
  return loop.play();
}

class OpenLoop {
  readonly #plan: OpenPlan;
  readonly #nextRequest: () => Buffer;
  readonly #host: string;
  readonly #port: number;
  readonly #phases: Phase[];
  readonly #idle: HttpConnection[] = [];
  #open = 0;
  /** In the order in which they were sent, and so in that in which they give up. */
  #sent: SentCall[] = [];

  constructor(plan: OpenPlan) {
    this.#plan = plan;
    this.#nextRequest = requestCycle(plan);
    const { hostname, port } = new URL(plan.url);
    [this.#host, this.#port] = [hostname, Number(port)];
    let beginMs = 0;
    this.#phases = plan.phases.map(({ perSecond, seconds }) => {
      const phase = new Phase(beginMs, beginMs + seconds * 1000, 1000 / perSecond);
      beginMs = phase.endMs;
      return phase;
    });
  }

  async play(): Promise<PhaseFigures[]> {
    const sweep = setInterval(() => this.#giveUp(), SWEEP_MS);
    await this.#sendAll();
    while (this.#sent.length > 0) await new Promise((resolve) => setTimeout(resolve, SWEEP_MS));
    clearInterval(sweep);
    for (const connection of this.#idle) connection.destroy();
    return this.#phases.map((phase) => phase.figures());
  }

  #sendAll(): Promise<void> {
    const random = randomStream(this.#plan.seed, 'arrivals');
    const phases = this.#phases.values();
    const untilMs = this.#phases.at(-1)?.endMs ?? 0;
    const startAt = performance.now();
    let phase = phases.next().value;
    let dueMs = 0;
    const advance = () => {
      dueMs += exponential(phase?.meanGapMs ?? 0, random());
      while (phase !== undefined && dueMs >= phase.endMs) phase = phases.next().value;
    };
    advance();
    return new Promise((resolve) => {
      paceCalls({
        elapsedMs: () => performance.now() - startAt,
        dueMs: () => dueMs,
        send: () => {
          if (phase !== undefined) this.#send(phase, dueMs, performance.now() - startAt - dueMs);
          advance();
        },
        untilMs,
        onOver: resolve,
      });
    });
  }

  #send(phase: Phase, dueMs: number, lateMs: number): void {
    phase.late.add(lateMs);
    if (lateMs >= this.#plan.deadlineMs) return phase.count('generator_late');
    const connection = this.#connection();
    if (connection === undefined) return phase.count('no_connection');
    const call = { connection, sentAt: performance.now(), phase, bin: phase.bin(dueMs), isOver: false };
    call.bin.sent++;
    this.#sent.push(call);
    connection.send(this.#nextRequest()).then(
      ({ status }) => this.#answered(call, status),
      (error: Error) => this.#broke(call, error),
    );
  }

  #connection(): HttpConnection | undefined {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.isOpen) return idle;
      this.#open--;
    }
    if (this.#open >= MAX_CONNECTIONS) return undefined;
    this.#open++;
    return new HttpConnection(this.#host, this.#port);
  }

  #answered(call: SentCall, status: number): void {
    if (call.isOver) return;
    call.isOver = true;
    const { connection, phase, bin } = call;
    if (connection.isOpen) this.#idle.push(connection);
    else this.#open--;
    const ms = performance.now() - call.sentAt;
    if (ms > this.#plan.deadlineMs) phase.count('gave_up');
    else if (status === 200) {
      bin.good++;
      phase.count('ok');
      phase.good.add(ms);
    } else {
      phase.count(`http_${status}`);
      phase.refused.add(ms);
    }
  }

  #broke(call: SentCall, error: Error): void {
    if (call.isOver) return;
    call.isOver = true;
    this.#open--;
    const code: unknown = Reflect.get(error, 'code');
    call.phase.count(typeof code === 'string' ? code : error.message);
    call.phase.refused.add(performance.now() - call.sentAt);
  }

  #giveUp(): void {
    const before = performance.now() - this.#plan.deadlineMs - LINGER_MS;
    let over = 0;
    for (const call of this.#sent) {
      if (!call.isOver && call.sentAt > before) break;
      over++;
      if (call.isOver) continue;
      call.isOver = true;
      this.#open--;
      call.connection.destroy();
      call.phase.count('gave_up');
    }
    if (over > 0) this.#sent = this.#sent.slice(over);
  }
}

interface Bin {
  sent: number;
  good: number;
}

/** A phase and what came of it. */
class Phase {
  readonly beginMs: number;
  readonly endMs: number;
  readonly meanGapMs: number;
  readonly good = new Histogram();
  readonly refused = new Histogram();
  readonly late = new Histogram();
  readonly #codes = new Map<string, number>();
  readonly #bins: Bin[] = [];

  constructor(beginMs: number, endMs: number, meanGapMs: number) {
    this.beginMs = beginMs;
    this.endMs = endMs;
    this.meanGapMs = meanGapMs;
    for (let at = beginMs; at < endMs; at += BIN_MS) this.#bins.push({ sent: 0, good: 0 });
  }

  count(code: string): void {
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
  }

  bin(dueMs: number): Bin {
    return this.#bins[Math.floor((dueMs - this.beginMs) / BIN_MS)] ?? { sent: 0, good: 0 };
  }

  figures(): PhaseFigures {
    return {
      codes: Object.fromEntries(this.#codes),
      good: this.good.buckets,
      refused: this.refused.buckets,
      late: this.late.buckets,
      bins: this.#bins,
    };
  }
}
