// Runs a program in a process that ends when its parent does, however that ends. Arguments: the program and its own.
import { pathToFileURL } from 'node:url';

process.once('disconnect', () => process.exit(0));
process.argv.splice(1, 1);
await import(pathToFileURL(process.argv[1] ?? '').href);
