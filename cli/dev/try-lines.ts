import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Bodies that fit the functions of the examples. */
const BODIES: Readonly<Record<string, string>> = {
  echo: `-H 'Content-Type: application/json' -d '{"hello":"world"}'`,
  hash: `-H 'Content-Type: application/json' -d '{"text":"correct horse"}'`,
  job: `-H 'Content-Type: application/json' -d '{"task":1}'`,
};

/** A `curl` line for each function that can be pasted into a shell; `paths` are where functions came from. */
export function tryLines(functions: readonly string[], baseUrl: string, paths: readonly string[]): string[] {
  return functions.map((name) => {
    const url = `${baseUrl}/functions/${name}`;
    const photo = name === 'thumbnail' ? findBeside(paths, 'photo.jpg') : undefined;
    if (photo !== undefined) return `curl --data-binary '@${photo}' ${url} -o thumbnail.jpg`;
    return `curl ${BODIES[name] ?? `-H 'Content-Type: application/json' -d '{}'`} ${url}`;
  });
}

function findBeside(paths: readonly string[], file: string): string | undefined {
  const candidates = paths.flatMap((path) => [join(path, file), join(dirname(path), file)]);
  const found = candidates.find((candidate) => existsSync(candidate));
  return found === undefined ? undefined : relative('.', found);
}
