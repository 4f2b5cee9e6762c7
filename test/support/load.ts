import type { HttpClient } from './http.ts';
import { type Answered, type AskOptions, type Ledger, machineNow } from './ledger.ts';

/** An answer and when its call was asked for. */
export interface Asked extends Answered {
  readonly askedAt: number;
}

/** Callers that ask again as soon as they are answered. */
export class Load {
  readonly #ledger: Ledger;
  readonly #options: AskOptions;
  readonly #answers: Asked[] = [];
  readonly #loops: Promise<void>[];
  #isOn = true;

  /** The callers take turns at the clients; one whose gateway goes away moves on to the next one. */
  constructor(ledger: Ledger, clients: readonly HttpClient[], callers: number, options: AskOptions = {}) {
    this.#ledger = ledger;
    this.#options = options;
    this.#loops = Array.from({ length: callers }, (_, n) => this.#run(clients, n));
  }

  /** What was answered so far. */
  get answers(): readonly Asked[] {
    return this.#answers;
  }

  /** Asks no more; resolves with all answers when the last one is there. */
  async stop(): Promise<readonly Asked[]> {
    this.#isOn = false;
    await Promise.all(this.#loops);
    return this.#answers;
  }

  async #run(clients: readonly HttpClient[], start: number): Promise<void> {
    let turn = start;
    while (this.#isOn) {
      const client = clients[turn % clients.length];
      if (client === undefined) throw new Error('there is no client');
      const askedAt = machineNow();
      const answer = await this.#ledger.ask(client, this.#options);
      this.#answers.push({ ...answer, askedAt });
      if (isGatewayGone(answer)) turn++;
    }
  }
}

/** Whether a gateway told its caller to go elsewhere: nothing of the call was taken. */
export function isGatewayGone({ status, code, started }: Answered): boolean {
  return code === 'draining' || (status === 0 && started === 'no');
}
