// `npm run lab`: runs the experiments, see --help. Exit code 2 for wrong settings.
import { complain, run } from '../../cli/run.ts';
import { OptionsError, optionsHelp } from '../../lib/options.ts';
import { COMMAND, NAME, prepareLab, settings, USAGE } from './command.ts';

// A reader that leaves (`... | head -1`) must not end the program with a stack.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(`usage: ${COMMAND} ${USAGE} [options]\n\n${optionsHelp(settings)}`);
} else {
  try {
    await run(NAME, prepareLab(args, process.env));
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    complain(NAME, error);
    process.exitCode = 2;
  }
}
