import { connect } from 'node:net';
import { type HoldPlan, requestsOf } from './plan.ts';

/** Sends calls and reads no answer. */
export function holdCalls(plan: HoldPlan): void {
  const { hostname, port } = new URL(plan.url);
  const [request] = requestsOf(plan);
  for (let sent = 0; sent < plan.calls; sent += plan.perConnection) {
    const socket = connect({ host: hostname, port: Number(port) });
    // It ends with the system that is called.
    socket.on('error', () => socket.destroy());
    const calls = Math.min(plan.perConnection, plan.calls - sent);
    socket.write(Buffer.concat(Array.from({ length: calls }, () => request)));
  }
}
