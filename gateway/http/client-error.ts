import { CallError } from '../../protocol/call-error.ts';
import { malformed, targetTooLong, unsupportedVersion } from './framing.ts';
import type { ServerLimits } from './limits.ts';

/** What Node emits as `clientError`: from its parser, its timeouts, or the socket. */
export type ClientError = Error & { code?: string; reason?: string; rawPacket?: Buffer };

/** The answer to such an error; undefined when the connection is lost and nobody can read an answer. */
export function refusalOf(error: ClientError, limits: ServerLimits): CallError | undefined {
  const code = error.code ?? '';
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new CallError(
        'request_incomplete',
        `the headers must arrive within ${limits.headersTimeoutMs} ms, the whole request within ${limits.requestTimeoutMs} ms`,
      );
    case 'HPE_HEADER_OVERFLOW':
      if (isTargetAlone(error.rawPacket, limits.maxTargetBytes)) return targetTooLong(limits.maxTargetBytes);
      return new CallError('bad_request', `the headers must be at most ${limits.maxHeaderBytes} bytes`, {
        status: 431,
      });
    case 'HPE_INVALID_VERSION':
      // The parser reports the same for a first line that ends in a bare LF.
      if (/ HTTP\/1\.[01]\n/.test(error.rawPacket?.toString('latin1') ?? '')) break;
      return unsupportedVersion();
    case 'HPE_PAUSED_H2_UPGRADE':
      return malformed('HTTP/2 is not supported; use HTTP/1.0 or HTTP/1.1');
    case 'HPE_INVALID_EOF_STATE':
      return malformed('the connection was closed before the request was complete');
  }
  return code.startsWith('HPE_') ? malformed(`malformed request: ${reasonOf(error)}`) : undefined;
}

/** The parser's message: a fixed text that quotes nothing of the request. */
function reasonOf(error: ClientError): string {
  return error.reason ?? error.message;
}

/** Whether the packet that overflowed is one long target: its first line has not ended within the limit. */
function isTargetAlone(packet: Buffer | undefined, maxTargetBytes: number): boolean {
  if (packet === undefined || packet.length <= maxTargetBytes) return false;
  const start = packet.indexOf(' ');
  const end = packet.indexOf('\n');
  return start !== -1 && start < 32 && (end === -1 || end > maxTargetBytes);
}
