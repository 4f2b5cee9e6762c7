import type { Environment } from '../../../cli/command.ts';
import { type LedgerRun, runsOf } from '../../harness/ledger.ts';
import { until } from '../../harness/until.ts';
import { type LabGateway, type LabWorker, Stage } from '../stage.ts';
import { makeCall, type OpenCall } from './caller.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** What a scene needs. */
export interface LossSceneOptions {
  readonly budgetMs: number;
  /** How long the handler works on each call. */
  readonly runMs: number;
  readonly signal: AbortSignal;
  readonly env: Environment;
}

/** How long what must happen may take. */
const LIMIT_MS = 10_000;
/** How long a worker may take to start and be seen: on a busy machine many seconds. */
const START_LIMIT_MS = 60_000;
/** The ledger is at rest when nothing runs, and nothing was noted for so long. */
const REST_MS = 400;

/**
 * Where one cell is played: one broker, one gateway and one worker with one slot, the latter two each connected
 * through a proxy of its own. They know each other: a first call was answered.
 */
export class LossScene {
  readonly stage: Stage;
  readonly gateway: LabGateway;
  readonly worker: LabWorker;
  readonly gatewayProxy: TcpProxy;
  readonly workerProxy: TcpProxy;
  /** The calls so far, the first one included, in their order. */
  readonly calls: OpenCall[] = [];
  readonly #budgetMs: number;

  /** Starts everything. Throws, and leaves nothing behind, when the first call is not answered. */
  static async open(options: LossSceneOptions): Promise<LossScene> {
    const { budgetMs, runMs, signal, env } = options;
    const stage = await Stage.start({ budgetMs, signal, env });
    const proxies: TcpProxy[] = [];
    try {
      const openProxy = async (): Promise<TcpProxy> => {
        const proxy = await TcpProxy.open(stage.broker.port);
        proxies.push(proxy);
        return proxy;
      };
      const [gatewayProxy, workerProxy] = [await openProxy(), await openProxy()];
      const gateway = await stage.startGateway([], { natsUrl: gatewayProxy.url });
      const isHeard = gatewayProxy.seen('toProcess', 'now.state.', START_LIMIT_MS);
      const worker = await stage.startWorker({
        kind: 'ours',
        name: 'worker',
        runMs: [runMs, runMs],
        natsUrl: workerProxy.url,
      });
      await isHeard;
      const scene = new LossScene(budgetMs, stage, { gateway, worker, gatewayProxy, workerProxy });
      const { status, code } = await scene.call().seen;
      if (status !== 200) throw new Error(`the first call was answered ${status} ${code}`);
      return scene;
    } catch (error) {
      await stage.end();
      for (const proxy of proxies) await proxy.close();
      throw error;
    }
  }

  private constructor(
    budgetMs: number,
    stage: Stage,
    parts: Pick<LossScene, 'gateway' | 'worker' | 'gatewayProxy' | 'workerProxy'>,
  ) {
    this.#budgetMs = budgetMs;
    this.stage = stage;
    this.gateway = parts.gateway;
    this.worker = parts.worker;
    this.gatewayProxy = parts.gatewayProxy;
    this.workerProxy = parts.workerProxy;
  }

  /** Number of the next call. */
  get nextCall(): number {
    return this.calls.length + 1;
  }

  /** Makes a call of its own caller; see `CallToMake` for what is split. */
  call({ isSplit = false } = {}): OpenCall {
    const { callUrl: url } = this.gateway;
    const call = makeCall({ url, call: this.nextCall, budgetMs: this.#budgetMs, isSplit });
    this.calls.push(call);
    return call;
  }

  /** Resolves with what is awaited; throws when the call ends before. */
  async before<T>(call: OpenCall, awaited: Promise<T>): Promise<T> {
    const tooLate = call.seen.then(({ status, code }): never => {
      throw new Error(`the call had ended with ${status} ${code} before it was in its phase`);
    });
    tooLate.catch(() => {});
    return await Promise.race([awaited, tooLate]);
  }

  /** Resolves when the handler has noted this of a call. */
  async noted(kind: 'began' | 'ended', call: number): Promise<void> {
    await until(`call ${call} ${kind}`, LIMIT_MS, async () =>
      (await this.stage.ledger()).find((entry) => entry.kind === kind && entry.call === call),
    );
  }

  /** What has run, once nothing runs any more; a worker that was killed ends nothing. */
  async runsAtRest(): Promise<LedgerRun[]> {
    let noted = -1;
    let since = 0;
    return await until('the ledger at rest', LIMIT_MS, async () => {
      const ledger = await this.stage.ledger();
      const runs = runsOf(ledger, Number.POSITIVE_INFINITY);
      const isOver = this.worker.process.exit !== undefined || runs.every(({ end }) => end !== 'open');
      if (ledger.length !== noted) {
        noted = ledger.length;
        since = performance.now();
      }
      return isOver && performance.now() - since > REST_MS ? runs : undefined;
    });
  }

  /** Resolves when gateway and worker have each connected to the broker once more. */
  async reconnected(): Promise<void> {
    for (const { process } of [this.gateway, this.worker]) {
      await process.until(
        'reconnects',
        LIMIT_MS,
        () => process.log().filter(({ msg }) => msg === 'connected to the broker').length > 1 || undefined,
      );
    }
  }

  /** Ends everything; resolves when nothing of it is left. */
  async close(): Promise<void> {
    await this.stage.end();
    await Promise.all([this.gatewayProxy.close(), this.workerProxy.close()]);
    await Promise.all(this.calls.map(({ seen }) => seen));
  }
}
