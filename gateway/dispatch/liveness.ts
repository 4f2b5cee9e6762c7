import type { State } from '../../protocol/state.ts';
import { UNHEARD_MS, type WorkerEntry } from './worker-entry.ts';
import type { WorkerTable } from './worker-table.ts';

/**
 * Decides who lives, from what is heard and from silence, and remembers what it needs for that. It sends nothing:
 * prober.ts sends the probes that it names and reports what came of them.
 *
 * A *probe* is a call that no worker may run, sent to the worker's private subject: whoever lives answers it.
 * *No responders* proves that the worker is gone: what it held is lost. An answer makes it heard. *Silence* means
 * that it is frozen, unless it was heard by another message meanwhile, or the gateway itself could not hear: it gets
 * nothing more until it is heard again, its calls run to their deadline, and it is probed again as long as it stays
 * silent.
 *
 * It also remembers which groups of a function were there lately, for what absence proves.
 */

/** A function and group whose last worker left the table. */
export interface EmptiedGroup {
  readonly fn: string;
  readonly group: string;
}

/** A worker that is to be probed, by way of one of its functions. */
export interface ProbeTarget {
  readonly worker: WorkerEntry;
  readonly fn: string;
}

const HOLDER_UNHEARD_MS = 750;
const PROBE_EVERY_MS = 750;
/** A frozen worker is asked now and then only, to learn when it is gone. */
const FROZEN_PROBE_EVERY_MS = 5000;
/** "Seen lately": the time in which a restarted function may be back. */
const SEEN_MS = 10_000;
/** A connection needs this long until absence of interest is certain. */
const SETTLED_MS = 1000;
/** The group of responders that name none. */
const PLAIN = '';

/** See the head of this file. Times are monotonic milliseconds. */
export class Liveness {
  readonly #table: WorkerTable;
  /** When it was last seen, by function and group. */
  readonly #seenAt = new Map<string, Map<string, number>>();
  #connectedAt = Number.POSITIVE_INFINITY;

  constructor(table: WorkerTable) {
    this.#table = table;
  }

  /** The broker can be reached from now on. */
  connected(now: number): void {
    this.#connectedAt = now;
  }

  /** The broker is lost: silence says nothing any more. */
  disconnected(): void {
    this.#connectedAt = Number.POSITIVE_INFINITY;
  }

  /** A worker sent its state; the groups that are empty by it. */
  stateReceived(id: string, state: State, now: number): EmptiedGroup[] {
    for (const [fn, { group }] of Object.entries(state.functions)) this.groupSeen(fn, group, now);
    if (state.bye === true) return this.#forget(id);
    this.#table.learnState(id, state, now);
    return [];
  }

  /** A group of a function was there just now; undefined stands for plain responders. */
  groupSeen(fn: string, group: string | undefined, now: number): void {
    const groups = this.#seenAt.get(fn) ?? new Map<string, number>();
    this.#seenAt.set(fn, groups.set(group ?? PLAIN, now));
  }

  /** Workers that have been silent for too long and are probed now. */
  toBeProbed(now: number): ProbeTarget[] {
    this.#forgetUnseen(now);
    // Silence says nothing about the workers while it is the gateway that cannot hear.
    if (!this.#isSettled(now)) return [];
    const targets: ProbeTarget[] = [];
    for (const worker of [...this.#table.workers()]) {
      if (!isDue(worker, now)) continue;
      const [fn] = worker.endpoints.keys();
      // One that serves nothing cannot be asked, and holds nothing.
      if (fn === undefined) this.#forget(worker.id);
      else targets.push({ worker, fn });
      worker.probed(now);
    }
    return targets;
  }

  /** A worker answered its probe, in whatever way. */
  probeAnswered(worker: WorkerEntry, now: number): void {
    worker.heard(now);
  }

  /** No answer came to the last probe of a worker in the time that it has for one. */
  probeUnanswered(worker: WorkerEntry): void {
    const isGatewayDeaf = this.#connectedAt > worker.probedAt;
    if (!isGatewayDeaf && !worker.isHeardSinceProbe) worker.frozen();
  }

  /** Nobody subscribes to the private subject of a worker any more: it is gone; the groups that are empty by it. */
  probeFoundNobody({ id }: WorkerEntry): EmptiedGroup[] {
    return this.#forget(id);
  }

  /** Whether "no responders" is certain at the first word: one server, known for a second, function not seen lately. */
  isSurelyUnserved(fn: string, isClustered: boolean, now: number): boolean {
    return !isClustered && this.#isSettled(now) && !this.#seenAt.has(fn);
  }

  /** Whether no other group of the function can have got what was sent to the shared subject: none was seen lately. */
  isOnlyGroup(fn: string, group: string | undefined, now: number): boolean {
    if (!this.#isSettled(now)) return false;
    for (const seen of this.#seenAt.get(fn)?.keys() ?? []) if (seen !== (group ?? PLAIN)) return false;
    return true;
  }

  #forget(id: string): EmptiedGroup[] {
    return this.#table.forget(id).filter(({ fn, group }) => this.#table.endpoints(fn, group).size === 0);
  }

  #isSettled(now: number): boolean {
    return now - this.#connectedAt > SETTLED_MS;
  }

  #forgetUnseen(now: number): void {
    for (const [fn, groups] of this.#seenAt) {
      for (const [group, at] of groups) if (now - at > SEEN_MS) groups.delete(group);
      if (groups.size === 0) this.#seenAt.delete(fn);
    }
  }
}

function isDue(worker: WorkerEntry, now: number): boolean {
  const limitMs = worker.outstanding > 0 ? HOLDER_UNHEARD_MS : UNHEARD_MS;
  const everyMs = worker.isFrozen ? FROZEN_PROBE_EVERY_MS : PROBE_EVERY_MS;
  return worker.silentForMs(now) > limitMs && now - worker.probedAt > everyMs;
}
