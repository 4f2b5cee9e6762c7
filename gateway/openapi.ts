import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The OpenAPI document of the public routes, ready to be sent. */
interface OpenapiDocument {
  /** The file as it was written. */
  yaml: string;
  /** The same document as JSON. */
  json: string;
}

// Seen from the source (gateway/) and from the build (dist/gateway/).
const places = ['../openapi.yaml', '../../openapi.yaml'];
/** The build writes it beside its folders: to parse the YAML takes longer than all else that a gateway does to start. */
const BUILT = new URL('../openapi.json', import.meta.url);

let document: OpenapiDocument | undefined;

/** `openapi.yaml` of this package, read once. Throws an Error when the file is missing or is not YAML. */
export function openapiDocument(): OpenapiDocument {
  document ??= load();
  return document;
}

function load(): OpenapiDocument {
  const file = places.map((place) => new URL(place, import.meta.url)).find((url) => existsSync(url));
  if (file === undefined) {
    throw new Error(`openapi.yaml is missing, looked for ${places.join(' and ')} from ${import.meta.url}`);
  }
  const yaml = readFileSync(file, 'utf8');
  return { yaml, json: existsSync(BUILT) ? readFileSync(BUILT, 'utf8') : jsonOf(yaml) };
}

/** When the program runs from its source. */
function jsonOf(yaml: string): string {
  const require = createRequire(import.meta.url);
  const { parse }: typeof import('yaml') = require('yaml');
  return JSON.stringify(parse(yaml));
}
