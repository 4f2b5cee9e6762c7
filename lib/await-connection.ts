import type { Bus } from './bus.ts';
import type { Clock } from './clock.ts';

/**
 * Resolves when the bus is connected, or after `limitMs`: a broker that is there is waited for, so that the first
 * call finds everything in place; one that is not holds up nothing.
 */
export function awaitConnection(bus: Bus, clock: Clock, limitMs: number): Promise<void> {
  if (bus.connected) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = (): void => {
      cancelTimer();
      stopListening();
      resolve();
    };
    const cancelTimer = clock.after(limitMs, stop);
    const stopListening = bus.onConnection((connected) => {
      if (connected) stop();
    });
  });
}
