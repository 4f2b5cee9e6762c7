import { setTimeout as pause } from 'node:timers/promises';
import { HttpConnection } from '../generator/callers/http-connection.ts';
import { median, percentile } from '../statistics.ts';
import { type LoadFigures, type LoadPlan, requestCycle } from './plan.ts';

const RETRY_MS = 10;
/** For answers that are still to come at the end. */
const LAST_ANSWERS_MS = 2000;

/**
 * Keeps a number of calls in flight from its making on: the next goes out when the answer is there. Nothing is kept for
 * a call but how long it took, so that the load takes as little of the machine as it can.
 */
export class ClosedLoop {
  readonly #plan: LoadPlan;
  readonly #nextRequest: () => Buffer;
  readonly #open = new Set<HttpConnection>();
  readonly #turns: Promise<void>[];
  #period = new Period();
  #measured = new Period();
  #isOver = false;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    this.#nextRequest = requestCycle(plan);
    this.#turns = Array.from({ length: plan.connections }, () => this.#callInTurn());
  }

  /** Figures begin now. */
  mark(): void {
    this.#period = new Period();
  }

  /** Figures end now; the calls go on. */
  measure(): void {
    this.#measured = this.#period;
    this.#measured.end();
    this.#period = new Period();
  }

  /** Calls no more; resolves with what was measured when the last answers are there, or do not come. */
  async stop(): Promise<LoadFigures> {
    this.#isOver = true;
    await Promise.race([Promise.all(this.#turns), pause(LAST_ANSWERS_MS, undefined, { ref: false })]);
    for (const connection of this.#open) connection.destroy();
    await Promise.all(this.#turns);
    return this.#measured.figures();
  }

  async #callInTurn(): Promise<void> {
    const { hostname, port } = new URL(this.#plan.url);
    while (!this.#isOver) {
      const connection = new HttpConnection(hostname, Number(port));
      this.#open.add(connection);
      while (!this.#isOver && connection.isOpen) await this.#call(connection);
      connection.destroy();
      this.#open.delete(connection);
      if (!this.#isOver) await pause(RETRY_MS);
    }
  }

  async #call(connection: HttpConnection): Promise<void> {
    const sentAt = performance.now();
    try {
      const { status, body } = await connection.send(this.#nextRequest());
      const { expected = body } = this.#plan;
      if (status !== 200) this.#period.fail(`http_${status}`);
      else if (body !== expected) this.#period.fail('other_body');
      else this.#period.succeed(performance.now() - sentAt);
    } catch (error) {
      connection.destroy();
      this.#period.fail(error instanceof Error ? (codeOf(error) ?? error.message) : 'error');
    }
  }
}

function codeOf(error: Error): string | undefined {
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : undefined;
}

/** What happened between two moments. */
class Period {
  readonly #beganAt = performance.now();
  readonly #latencies: number[] = [];
  readonly #errors = new Map<string, number>();
  #seconds = 0;

  succeed(ms: number): void {
    this.#latencies.push(ms);
  }

  fail(code: string): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }

  end(): void {
    this.#seconds = (performance.now() - this.#beganAt) / 1000;
  }

  figures(): LoadFigures {
    return {
      seconds: this.#seconds,
      calls: this.#latencies.length,
      errors: Object.fromEntries(this.#errors),
      p50Ms: median(this.#latencies),
      p99Ms: percentile(this.#latencies, 0.99),
    };
  }
}
