import type { MeasuredCall, TraceCall } from '../../harness/generator/trace.ts';
import { Agenda } from './simulate-agenda.ts';
import { type Policy, type PolicyName, policies } from './simulate-policies.ts';
import type { Trace, TraceIncident } from './trace.ts';
import type { WorkEntry } from './work.ts';
import type { WorkerSpeed } from './workloads.ts';

/** What a simulated run yields: the same two records as a real one. */
export interface SimulatedRun {
  readonly calls: MeasuredCall[];
  readonly work: WorkEntry[];
}

/**
 * Runs a trace against a central queue that costs nothing. Calls whose deadline passes or whose caller leaves
 * leave the queue; what runs already runs on, unless the policy aborts it. The fastest idle worker is given the
 * call that the policy picks. A frozen worker is given nothing until it thaws; what it holds goes on then.
 */
export function simulate(trace: Trace, policy: PolicyName): SimulatedRun {
  return new Simulation(trace, policies[policy]).run();
}

/** How long a call runs on a worker, in milliseconds. */
function serviceMs(speed: WorkerSpeed, sizeMs: number): number {
  return speed.baseMs + speed.scale * sizeMs;
}

interface RunningCall {
  readonly call: TraceCall;
  readonly beganAt: number;
  finishesAt: number;
  /** Work left when its worker froze. */
  leftMs: number;
}

interface SimulatedWorker {
  readonly index: number;
  readonly speed: WorkerSpeed;
  readonly running: Set<RunningCall>;
  state: 'up' | 'frozen' | 'dead';
}

class Simulation {
  readonly #trace: Trace;
  readonly #policy: Policy;
  readonly #agenda = new Agenda();
  readonly #workers: SimulatedWorker[];
  /** Workers, the fastest first. */
  readonly #preferred: SimulatedWorker[];
  /** In order of arrival. */
  readonly #queue: TraceCall[] = [];
  readonly #measured = new Map<number, MeasuredCall>();
  readonly #work: WorkEntry[] = [];
  #now = 0;
  #evictedAt = Number.NEGATIVE_INFINITY;

  constructor(trace: Trace, policy: Policy) {
    this.#trace = trace;
    this.#policy = policy;
    this.#workers = trace.workers.map((speed, index) => ({ index, speed, running: new Set(), state: 'up' }));
    const meanMs = trace.calls.reduce((total, { size }) => total + size / trace.calls.length, 0);
    this.#preferred = this.#workers.toSorted(
      (a, b) => serviceMs(a.speed, meanMs) - serviceMs(b.speed, meanMs),
    );
  }

  run(): SimulatedRun {
    for (const incident of this.#trace.incidents) {
      this.#agenda.add(incident.at, () => this.#befall(incident));
    }
    for (const call of this.#trace.calls) {
      this.#agenda.add(call.at, () => this.#queue.push(call));
      this.#agenda.add(call.at + this.#trace.deadlineMs, () => this.#expire(call));
      if (call.leavesAt !== undefined) this.#agenda.add(call.leavesAt, () => this.#abandon(call, 'left'));
    }
    for (let next = this.#agenda.next(); next !== undefined; next = this.#agenda.next()) {
      this.#now = next.at;
      next.run();
      this.#handOut();
    }
    return { calls: [...this.#measured.values()], work: this.#work };
  }

  #handOut(): void {
    for (const worker of this.#preferred) {
      while (worker.state === 'up' && worker.running.size < this.#trace.slots) {
        const index = this.#policy.pick(this.#queue, {
          now: this.#now,
          deadlineMs: this.#trace.deadlineMs,
          evictedAt: this.#evictedAt,
          serviceMs: (call) => serviceMs(worker.speed, call.size),
        });
        const [call] = index === undefined ? [] : this.#queue.splice(index, 1);
        if (call === undefined) break;
        this.#begin(worker, call);
      }
    }
  }

  #begin(worker: SimulatedWorker, call: TraceCall): void {
    const finishesAt = this.#now + serviceMs(worker.speed, call.size);
    const running = { call, beganAt: this.#now, finishesAt, leftMs: 0 };
    worker.running.add(running);
    this.#agenda.add(finishesAt, () => this.#finish(worker, running));
  }

  #finish(worker: SimulatedWorker, running: RunningCall): void {
    if (worker.state !== 'up' || running.finishesAt !== this.#now || !worker.running.has(running)) return;
    this.#end(worker, running);
    if (!this.#measured.has(running.call.id)) this.#settle(running.call, 'ok');
  }

  #expire(call: TraceCall): void {
    if (this.#measured.has(call.id)) return;
    if (this.#queue.includes(call)) this.#evictedAt = this.#now;
    this.#abandon(call, 'gave_up');
  }

  #abandon(call: TraceCall, code: string): void {
    if (this.#measured.has(call.id)) return;
    this.#settle(call, code);
    const queued = this.#queue.indexOf(call);
    if (queued >= 0) this.#queue.splice(queued, 1);
    if (!this.#policy.aborts) return;
    for (const worker of this.#workers) {
      for (const running of worker.running) if (running.call === call) this.#end(worker, running);
    }
  }

  #befall({ kind, worker: index }: TraceIncident): void {
    const worker = this.#workers[index];
    if (worker === undefined) return;
    if (kind === 'kill') {
      worker.state = 'dead';
      for (const running of worker.running) {
        this.#end(worker, running);
        if (!this.#measured.has(running.call.id)) this.#settle(running.call, 'worker_lost');
      }
      return;
    }
    worker.state = kind === 'freeze' ? 'frozen' : 'up';
    for (const running of worker.running) {
      if (kind === 'freeze') running.leftMs = running.finishesAt - this.#now;
      else {
        running.finishesAt = this.#now + running.leftMs;
        this.#agenda.add(running.finishesAt, () => this.#finish(worker, running));
      }
    }
  }

  #end(worker: SimulatedWorker, running: RunningCall): void {
    worker.running.delete(running);
    const { call, beganAt } = running;
    this.#work.push({ worker: worker.index, call: call.id, beganAt, endedAt: this.#now });
  }

  #settle(call: TraceCall, code: string): void {
    const afterMs = this.#now - call.at;
    const leadIn = call.at < this.#trace.leadInMs;
    this.#measured.set(call.id, { call: call.id, leadIn, good: code === 'ok', code, afterMs, lateMs: 0 });
  }
}
