import { type OptionValues, toggle } from '../../lib/options.ts';
import { commonSettings, milliseconds } from '../settings.ts';

/** Settings of `top`. */
export const topSettings = {
  natsUrl: commonSettings.natsUrl,
  subjectPrefix: commonSettings.subjectPrefix,
  everyMs: milliseconds({ fallback: 1000, min: 100, help: 'How often to ask the workers, and to show.' }),
  once: toggle({ fallback: false, help: 'Show once, after two times --every-ms, and end.' }),
  json: toggle({ fallback: false, help: 'One JSON object per line instead of a table.' }),
};

/** Their values. */
export type TopSettings = OptionValues<typeof topSettings>;
