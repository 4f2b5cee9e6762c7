// What every program here says to the benchmark that started it.

/** Tells the benchmark that this program serves: its port, or that it is ready. It ends with the benchmark. */
export function tellParent(message) {
  process.once('disconnect', () => process.exit(0));
  process.send(message);
}

/** Listens on a free port of loopback and tells it. */
export function listen(server) {
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => tellParent(server.address().port));
}
