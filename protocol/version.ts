/**
 * The version of the wire contract, announced by workers in their service metadata.
 *
 * Every change of a message raises it and gets a line below; a test hashes the schemas of all messages and
 * fails when they change without one.
 */
export const PROTOCOL_VERSION = '1';

/** One line for each version: what changed for those who speak the wire. */
export const PROTOCOL_CHANGES: Readonly<Record<string, string>> = {
  '1': 'calls, replies and their signals, state, demand, pull, cancel, discovery; Now-Code names the kind of an error reply',
};
