import { z } from 'zod';
import { functionName, token } from './subjects.ts';

/** Unix milliseconds on the sender's clock: lets a reader estimate how far the clocks differ. */
const at = z.number();
const count = z.int().min(0);

/** `P.hello`, gateway → all workers, on start and reconnect. */
export const helloSchema = z.object({ gateway: token, at });
export type Hello = z.infer<typeof helloSchema>;

/** One function of a worker; slots are counted per function and process. */
const functionStateSchema = z.object({
  group: token,
  slots: count,
  /** Slots that a gateway may push to. */
  free: count,
  running: count,
  /** Calls of plain requesters waiting in the worker, and those that were sent ahead. */
  buffered: count,
  /** Moving average of one call's run time, in milliseconds. */
  serviceMs: z.number().min(0),
});
export type FunctionState = z.infer<typeof functionStateSchema>;

/** `P.state.<worker>`, worker → all gateways. */
export const stateSchema = z.object({
  at,
  draining: z.boolean().optional(),
  /** The last message of a worker that leaves. */
  bye: z.boolean().optional(),
  functions: z.record(functionName, functionStateSchema),
});
export type State = z.infer<typeof stateSchema>;

/** `P.demand.<fn>.<group>`, gateway → workers of that group. */
export const demandSchema = z.object({
  gateway: token,
  parked: count,
  at,
  /** Free slots in the group as the gateway believes: where there are many, not every worker needs to pull. */
  free: count.optional(),
});
export type Demand = z.infer<typeof demandSchema>;

/** `P.pull.<fn>.<group>`, worker → one gateway that holds parked calls. */
export const pullSchema = z.object({ worker: token });

/** `P.pull.<gateway>`, worker → the gateway whose demand it heard. */
export const pullFromSchema = z.object({ worker: token, fn: functionName, group: token });

/** `P.cancel.<worker>`, gateway → worker. */
export const cancelSchema = z.object({ call: token, reason: z.string().max(200) });
export type Cancel = z.infer<typeof cancelSchema>;
