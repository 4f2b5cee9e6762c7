// Answers with its input as it came.
import { defineFunction, reply } from 'now-or-never';

const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(;|$)/;

export default defineFunction({
  description: 'Answers with its input as it came.',
  run(input, ctx) {
    if (input === undefined) return undefined;
    const sent = ctx.headers['content-type'] ?? '';
    const contentType = MEDIA_TYPE.test(sent) ? sent : 'application/octet-stream';
    // JSON has been parsed on the way in; everything else is bytes.
    const body = input instanceof Uint8Array ? input : JSON.stringify(input);
    return reply({ contentType, body });
  },
});
