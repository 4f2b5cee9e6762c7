/** Writes to standard output; resolves when it is written, so that an exit cuts nothing off, also when nobody reads. */
export function print(content: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(content, () => resolve());
  });
}
