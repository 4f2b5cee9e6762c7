import type { ChildProcess } from 'node:child_process';
import cluster from 'node:cluster';
import { CHILD_STDIO } from '../../lib/pool-child.ts';

/**
 * The processes of a gateway accept from one listening socket, which the parent keeps and never accepts from. So a
 * connection that waits there is taken by another process when one ends or dies, and port 0 is the same port for all.
 * With a socket for each of them (SO_REUSEPORT) the system deals connections out before they are accepted, and resets
 * those of a socket that is closed: a restart would lose calls.
 */
export function startSharingPort(entry: string): ChildProcess {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: entry, args: [], stdio: CHILD_STDIO });
  const worker = cluster.fork();
  // A process that has just died takes no message; its exit tells.
  worker.on('error', () => {});
  return worker.process;
}

/** In such a process: the cluster module would end it at once when its parent dies. It drains instead. */
export function outliveParent(): void {
  cluster.worker?.on('disconnect', () => {
    if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
  });
}
