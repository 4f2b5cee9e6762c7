import type { Dispatcher } from '../../gateway/dispatch/dispatcher.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import type { Host } from './host.ts';
import type { Ledger } from './ledger.ts';

/** The function that all workers of the model serve. */
export const FN = 'f';

export interface ModelGateway {
  readonly id: string;
  readonly host: Host;
  readonly dispatcher: Dispatcher;
}

/** What a part of the world sees of it. */
export interface Surroundings {
  /** The true time. */
  readonly clock: FakeClock;
  readonly ledger: Ledger;
  readonly subjects: Subjects;
  readonly gateways: readonly ModelGateway[];
}
