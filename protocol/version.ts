/**
 * The version of the wire contract, announced by workers in their service metadata.
 *
 * Every change of a message gets a line below; a test hashes the schemas of all messages and fails when they change
 * without one. What a correct peer has to change raises the version; what only refuses more of what was wrong before
 * adds a revision to it (`1.1`), which is not announced.
 */
export const PROTOCOL_VERSION = '1';

/** One line for each version and revision: what changed for those who speak the wire. */
export const PROTOCOL_CHANGES: Readonly<Record<string, string>> = {
  '1': 'calls, replies and their signals, state, demand, pull, cancel, discovery; Now-Code names the kind of an error reply',
  '1.1':
    'a call is refused as bad_request unless all its Now-* headers are valid: Now-Timeout is decimal and above 0, Now-Deadline and Now-Parked are digits; a plain requester may send Now-Timeout',
};
