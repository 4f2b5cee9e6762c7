// `knip` finds files, dependencies and exports that nothing uses, and exports that only their own file uses.
// `knip --production` leaves the tests out: it finds what only tests use. There an export that its own file uses too
// is fine: a test may look at a part of a module that works for the rest.
const isProduction = process.argv.includes('--production');

export default {
  // `!` marks what counts in production: everything but the tests.
  entry: [
    'cli/main.ts!',
    'workers/api/index.ts!',
    // Started by their path, not imported.
    'gateway/processes/child.ts!',
    'workers/process/child.ts!',
    'workers/run/thread-entry.ts!',
    'examples/*.mjs!',
    'experiments/**/main.ts!',
    'experiments/harness/{handler.mjs,http-worker.ts,plain-worker.ts,program-entry.mjs}!',
    'experiments/bench/**/workers/*.ts!',
    'experiments/bench/throughput/programs/*.mjs!',
    'scripts/*.{ts,mjs}!',
    'test/**/*.test.ts',
    'test/support/handlers/*.mjs',
    'test/support/*-{stub,child,parent}.mjs',
  ],
  project: ['**/*.{ts,mts,mjs}!', '!test/**!'],
  // A package of its own, with a lock file of its own.
  ignore: ['experiments/bench/throughput/peers/**'],
  ignoreExportsUsedInFile: isProduction,
  // Read as files, by the pages that the experiments write.
  ignoreDependencies: ['uplot'],
  // PROTOCOL_CHANGES is for readers; a test compares it with the schemas.
  ignoreIssues: { 'protocol/version.ts': ['exports'] },
};
