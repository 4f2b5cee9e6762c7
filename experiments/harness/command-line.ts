/** Arguments that make no sense: the message is one line for people. */
export class UsageError extends Error {}

/** A number above 0 that a flag was given; throws otherwise. */
export function positive(flag: string, value: string): number {
  const number = Number(value);
  if (!(number > 0 && Number.isFinite(number))) {
    throw new Error(`${flag} must be positive numbers, got ${value}`);
  }
  return number;
}

/** Several, separated by commas. */
export function positives(flag: string, values: string): number[] {
  return values.split(',').map((value) => positive(flag, value));
}

/** Those of the known systems that a comma list names, in their own order; throws when one is unknown. */
export function chosenSystems(names: string, known: readonly string[]): string[] {
  const asked = names.split(',');
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`no system is called ${unknown}; there are ${known.join(' ')}`);
  return known.filter((name) => asked.includes(name));
}

/** Whatever `read` throws, as a `UsageError`. */
export function asUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Other builds of the product, `name=dist` separated by commas, as systems of these names. */
export function readBuilds<T>(
  list: string | undefined,
  taken: readonly string[],
  build: (dist: string) => T,
): Record<string, T> {
  if (list === undefined) return {};
  const builds = list.split(',').map((pair) => {
    const [name = '', dist = ''] = pair.split('=', 2);
    if (name === '' || dist === '' || taken.includes(name)) {
      throw new Error(`--builds must be names that no system has, and folders: name=dist; got ${pair}`);
    }
    return [name, build(dist)] as const;
  });
  return Object.fromEntries(builds);
}
