import { CallError } from '../../protocol/call-error.ts';
import { draining } from '../failures.ts';
import { fromRefusal, type Question, refusalAnswerSchema } from './messages.ts';

/** One of the processes, as far as it is asked. */
interface Source {
  /** undefined when it does not answer in time. */
  ask(question: Question, limitMs: number): Promise<unknown>;
}

/** A process that does not answer for so long is not ready. */
const ANSWER_LIMIT_MS = 500;

/** Why a process should get no calls now; undefined when it should. */
export async function refusalOf(child: Source): Promise<CallError | undefined> {
  const { data } = refusalAnswerSchema.safeParse(await child.ask('refusal', ANSWER_LIMIT_MS));
  if (data === undefined) return noAnswer();
  return data === null ? undefined : fromRefusal(data);
}

function noAnswer(): CallError {
  return new CallError('saturated', 'no process of this gateway answers', { retryAfterS: 1 });
}

/** Whether a gateway of several processes should get calls: while one of them should. */
export class PoolReadiness {
  readonly #processes: () => Iterable<Source>;
  #isDraining = false;

  constructor(processes: () => Iterable<Source>) {
    this.#processes = processes;
  }

  /** Not ready from now on. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Why it should get no calls now; undefined when it should, as soon as the first process says so. */
  async refusal(): Promise<CallError | undefined> {
    if (this.#isDraining) return draining();
    const refusals: CallError[] = [];
    const asked = [...this.#processes()].map(async (child) => {
      const refusal = await refusalOf(child);
      if (refusal === undefined) return undefined;
      refusals.push(refusal);
      throw refusal;
    });
    return Promise.any(asked).catch(() => refusals[0] ?? noAnswer());
  }
}
