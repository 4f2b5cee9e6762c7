// Runs a program in a process that ends when its parent does, however that ends. Arguments: the program and its own.
// Whatever its log level, it sends its parent each port that it listens on and did not choose itself (`--port 0`).
import { Server } from 'node:net';
import { pathToFileURL } from 'node:url';

const { listen } = Server.prototype;
Server.prototype.listen = function listenAndTell(...args) {
  const [where] = args;
  const port = typeof where === 'object' ? where?.port : where;
  if (port === 0) this.once('listening', () => process.send?.(this.address().port));
  return listen.apply(this, args);
};

process.once('disconnect', () => process.exit(0));
process.argv.splice(1, 1);
await import(pathToFileURL(process.argv[1] ?? '').href);
