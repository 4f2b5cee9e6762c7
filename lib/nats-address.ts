/** Where the servers are and how to be let in. Never logged as a whole: `hosts` may be. */
export interface ServerList {
  /** `host:port` of each server. */
  readonly hosts: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  /** Whether an address says `tls://`: the connection must be encrypted. */
  readonly tls: boolean;
}

const DEFAULT_PORT = 4222;
const FORM = 'nats://[user:password@]host[:port], tls://… or host[:port]';

/**
 * Reads a comma list of addresses, `nats://user:password@host:4222` or `nats://token@host`. The client
 * takes no credentials from an address, and one user for all servers: the first that names one.
 * Throws an error that repeats no secret.
 */
export function parseServerList(list: string): ServerList {
  const addresses = list
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '');
  if (addresses.length === 0) throw new Error(`NATS servers must be a comma list of ${FORM}`);
  const urls = addresses.map(parseAddress);
  const login = urls.find((url) => url.username !== '');
  return {
    hosts: urls.map((url) => `${url.hostname}:${url.port === '' ? DEFAULT_PORT : url.port}`),
    user: login?.password ? decodeURIComponent(login.username) : undefined,
    password: login?.password ? decodeURIComponent(login.password) : undefined,
    token: login && login.password === '' ? decodeURIComponent(login.username) : undefined,
    tls: addresses.some((address) => /^tls:\/\//i.test(address)),
  };
}

function parseAddress(address: string, index: number): URL {
  const scheme = /^([a-z]+):\/\//i.exec(address)?.[1]?.toLowerCase();
  const rest = scheme === undefined ? address : address.slice(scheme.length + 3);
  if (scheme !== undefined && scheme !== 'nats' && scheme !== 'tls') {
    throw new Error(`NATS server ${index + 1} has the scheme ${scheme}://, must be ${FORM}`);
  }
  try {
    // A scheme without a default port of its own, so that every port survives.
    const url = new URL(`nats://${rest}`);
    decodeURIComponent(url.username + url.password);
    if (url.hostname !== '' && url.port !== '0' && /^\/?$/.test(url.pathname)) return url;
  } catch {
    // Told below, without the text: it may hold a password.
  }
  throw new Error(`NATS server ${index + 1} of the list is no address, must be ${FORM}`);
}
