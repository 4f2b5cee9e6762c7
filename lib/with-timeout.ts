/**
 * What `work` resolves to, or what `onTimeout` returns after `ms` milliseconds; when either throws or rejects, it
 * rejects. Work that is late is not stopped: its outcome is ignored.
 */
export async function withTimeout<Done, Late>(
  work: Done | Promise<Done>,
  ms: number,
  onTimeout: () => Late,
): Promise<Done | Late> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    const done = Promise.resolve(work).then((value) => ({ value }));
    const first = await Promise.race([done, timeout]);
    return first === undefined ? onTimeout() : first.value;
  } finally {
    clearTimeout(timer);
  }
}
