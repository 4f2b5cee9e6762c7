/** Something thrown, as plain text that any log and any thread can take. */
export interface ErrorDescription {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: ErrorDescription;
}

/** For loggers whose `err` is a description already: pino's own serializer would call each of them "Object". */
export const DESCRIBED = { serializers: { err: (described: unknown) => described } };

const MAX_MESSAGE = 2000;
const MAX_STACK = 8000;
const MAX_CAUSES = 3;

/**
 * Describes anything that can be thrown and never throws itself: handlers also throw undefined, and objects
 * whose getters throw. Texts are cut, so that a log line stays bounded.
 */
export function describeError(thrown: unknown, causes = MAX_CAUSES): ErrorDescription {
  if (typeof thrown !== 'object' || thrown === null) {
    return {
      type: thrown === null ? 'null' : typeof thrown,
      message: text(() => String(thrown), MAX_MESSAGE),
    };
  }
  const type = text(() => read(thrown, 'name') ?? thrown.constructor.name, 100);
  const message = text(() => read(thrown, 'message') ?? JSON.stringify(thrown), MAX_MESSAGE);
  const stack = text(() => read(thrown, 'stack') ?? '', MAX_STACK);
  const cause = causes > 0 ? causeOf(thrown) : undefined;
  return {
    type,
    message,
    ...(stack === '' ? {} : { stack }),
    ...(cause === undefined ? {} : { cause: describeError(cause, causes - 1) }),
  };
}

function read(from: object, key: string): unknown {
  return Reflect.get(from, key);
}

function causeOf(thrown: object): unknown {
  try {
    return read(thrown, 'cause');
  } catch {
    return undefined;
  }
}

function text(get: () => unknown, max: number): string {
  try {
    return String(get()).slice(0, max);
  } catch {
    return 'unreadable';
  }
}
