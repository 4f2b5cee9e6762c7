import { type OptionValues, toggle } from '../../lib/options.ts';
import { commonSettings, milliseconds } from '../settings.ts';

/** Settings of `top`. */
export const topSettings = {
  natsUrl: commonSettings.natsUrl,
  subjectPrefix: commonSettings.subjectPrefix,
  everyMs: milliseconds({ default: 1000, min: 100, help: 'Interval between two snapshots.' }),
  once: toggle({ default: false, help: 'Print one snapshot, after two intervals, and exit.' }),
  json: toggle({ default: false, help: 'Print one JSON object per line instead of a table.' }),
};

/** Their values. */
export type TopSettings = OptionValues<typeof topSettings>;
