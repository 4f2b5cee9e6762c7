import { type Code, codes, isRetryable, problemPath, type Started } from '../protocol/codes.ts';
import type { Problem } from '../protocol/problem.ts';

/** What a code means: the JSON form of its page. */
export interface ProblemExplanation {
  type: string;
  code: Code;
  title: string;
  status: number;
  started: Started;
  meaning: string;
  /** What a caller can do. */
  advice: string;
  /** Absent for codes that are never sent. */
  example?: Problem;
}

/** Explains a code. */
export function explain(code: Code, example: Problem | undefined): ProblemExplanation {
  const { title, status, started, meaning } = codes[code];
  const facts = { type: problemPath(code), code, title, status, started, meaning };
  return { ...facts, advice: advise(code), ...(example === undefined ? {} : { example }) };
}

function advise(code: Code): string {
  const { status, started } = codes[code];
  if (code === 'caller_gone') return 'Nothing: this is never sent to a caller.';
  if (isRetryable(status, started)) {
    return 'Nothing was run. Send the same request again, after `Retry-After` seconds if the answer has it.';
  }
  switch (started) {
    case 'no':
      return 'Nothing was run. Change the request before you send it again.';
    case 'yes':
      return 'The function ran. Repeat the call only if running it twice does no harm.';
    case 'unknown':
      return 'The function may have run. If the answer says that `started` is `no`, repeat the call freely; otherwise only if running it twice does no harm.';
  }
}
