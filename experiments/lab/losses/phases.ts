import type { LedgerRun } from '../../harness/ledger.ts';
import type { Loss } from '../result.ts';
import { askHealth, type OpenCall } from './caller.ts';
import type { LossScene } from './scene.ts';

/** A call that is in its phase and stays there until the signal has come. */
interface PlacedCall {
  readonly call: OpenCall;
  /** Lets it leave the phase. */
  goOn(): void;
}

/** How a call is brought into a phase, and kept there. */
export interface Phase {
  /** How long the handler works on each call. Long where the signal has to come meanwhile. */
  readonly runMs: number;
  /** Resolves when the call provably is in the phase; throws when it does not get there. */
  place(scene: LossScene): Promise<PlacedCall>;
  /** Whether the call still was in the phase at a moment, by what the handler noted of it; undefined = nothing. */
  isIn(run: LedgerRun | undefined, at: number): boolean;
}

const hasNotBegun: Phase['isIn'] = (run, at) => run === undefined || run.beganAt > at;

/** All phases, in the order of a call's life. */
export const PHASES: Readonly<Record<Loss['phase'], Phase>> = {
  // The gateway has the head, and has said so; half of the body is missing.
  'before it is sent': {
    runMs: 200,
    async place(scene) {
      const call = scene.call({ isSplit: true });
      await scene.before(call, call.admitted);
      // A process that has just said something may be interrupted before it does the rest.
      await scene.before(call, askHealth(scene.gateway.url));
      return { call, goOn: () => call.sendRest() };
    },
    isIn: hasNotBegun,
  },
  // The only slot is taken by the call before it. A gateway tells demand only while it holds a parked call.
  parked: {
    runMs: 700,
    async place(scene) {
      const blocking = scene.nextCall;
      await scene.before(scene.call(), scene.noted('began', blocking));
      const demand = scene.gatewayProxy.seen('toBroker', 'PUB now.demand.');
      const call = scene.call();
      await scene.before(call, demand);
      return { call, goOn: () => {} };
    },
    isIn: hasNotBegun,
  },
  // It has left the gateway and the broker, and is on its way to the worker.
  'on the way': {
    runMs: 200,
    async place(scene) {
      scene.workerProxy.hold('toProcess');
      const isHere = scene.workerProxy.seen('toProcess', `X-Fn-Call: ${scene.nextCall}\r\n`);
      const call = scene.call();
      await scene.before(call, isHere);
      return { call, goOn: () => scene.workerProxy.release('toProcess') };
    },
    isIn: hasNotBegun,
  },
  running: {
    runMs: 700,
    async place(scene) {
      const number = scene.nextCall;
      const call = scene.call();
      await scene.before(call, scene.noted('began', number));
      return { call, goOn: () => {} };
    },
    isIn: (run, at) => run !== undefined && (run.end !== 'ended' || run.endedAt > at),
  },
  // The handler has ended, and its reply has left the worker, on its way to the broker.
  answering: {
    runMs: 200,
    async place(scene) {
      const number = scene.nextCall;
      scene.workerProxy.hold('toBroker');
      const isHere = scene.workerProxy.seen('toBroker', `"call":${number}}`);
      const call = scene.call();
      await scene.before(call, Promise.all([isHere, scene.noted('ended', number)]));
      return { call, goOn: () => scene.workerProxy.release('toBroker') };
    },
    isIn: (run) => run?.end === 'ended',
  },
};
