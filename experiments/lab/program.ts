import { pathToFileURL } from 'node:url';

// A program in a process that ends when the lab does, however that ends. Arguments: the program and its own.
process.once('disconnect', () => process.exit(0));
process.argv.splice(1, 1);
await import(pathToFileURL(process.argv[1] ?? '').href);
