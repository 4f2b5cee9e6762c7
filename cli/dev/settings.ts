import { integer, type OptionValues, text, toggle } from '../../lib/options.ts';
import { gatewaySettings } from '../gateway.ts';
import { commonSettings, serverList, workerSettings } from '../settings.ts';

/** Settings of `dev`. */
export const devSettings = {
  ...gatewaySettings,
  ...workerSettings,
  processes: integer({ min: 1, max: 256, default: 2, help: 'Number of worker processes.' }),
  watch: toggle({
    default: true,
    help: 'Restart the worker processes when a source file changes.',
  }),
  ...commonSettings,
  natsUrl: text({
    schema: serverList,
    placeholder: 'url,...',
    default: undefined,
    defaultText: 'starts its own server',
    isSecret: true,
    help: 'NATS servers to use, separated by commas; without it, dev starts one (from NATS_SERVER_BIN if set).',
  }),
};

/** Their values. */
export type DevSettings = OptionValues<typeof devSettings>;
