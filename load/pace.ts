/** What an open loop sends, and when. Times in milliseconds since its begin. */
export interface PaceOptions {
  /** How long it runs by now; below 0 before its begin. */
  elapsedMs(): number;
  /** When the next call is due. */
  dueMs(): number;
  /** Sends the next call; another one is the next then. */
  send(): void;
  /** Calls that are due then or later are not sent. */
  readonly untilMs: number;
  /** Called once, at `untilMs`. */
  onOver(): void;
}

/**
 * The pace of an open loop: each call is sent when it is due, whatever became of those before. Returns how to stop it.
 *
 * It sends what is due by now and no more: a generator that cannot keep pace must still read answers in between.
 */
export function paceCalls({ elapsedMs, dueMs, send, untilMs, onOver }: PaceOptions): () => void {
  let timer: NodeJS.Timeout | undefined;
  const sendDue = () => {
    const nowMs = elapsedMs();
    const limitMs = Math.min(nowMs, untilMs);
    while (dueMs() < limitMs) send();
    if (nowMs >= untilMs) return onOver();
    timer = setTimeout(sendDue, Math.max(0, Math.ceil(Math.min(dueMs(), untilMs) - elapsedMs())));
  };
  sendDue();
  return () => clearTimeout(timer);
}
