import { integer, type OptionValues, text, toggle } from '../../lib/options.ts';
import { gatewaySettings } from '../gateway.ts';
import { commonSettings, serverList, workerSettings } from '../settings.ts';

/** Settings of `dev`. */
export const devSettings = {
  ...gatewaySettings,
  ...workerSettings,
  processes: integer({ min: 1, max: 256, fallback: 2, help: 'How many worker processes to run.' }),
  watch: toggle({
    fallback: true,
    help: 'Replace the worker processes when a file beside the functions changes.',
  }),
  ...commonSettings,
  natsUrl: text({
    schema: serverList,
    placeholder: 'url,...',
    fallback: undefined,
    fallbackText: 'a server of its own',
    isSecret: true,
    help: 'NATS servers to use, a comma list; without it, dev starts one (NATS_SERVER_BIN names the program).',
  }),
};

/** Their values. */
export type DevSettings = OptionValues<typeof devSettings>;
