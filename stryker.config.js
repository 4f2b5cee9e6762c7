// `npm run test:mutations`: changes one expression at a time and runs the tests that reach it; a mutant that no test
// notices survives. What to do about one, and the score, are in docs/testing.md. `-- --mutate <file>` takes one file.
// Version 9: version 10 needs Node 22.

// Few scenarios of the model for each mutant; the sentence tests run before it and notice most of them.
process.env.MODEL_RUNS ??= '100';

export default {
  mutate: [
    'gateway/dispatch/{placement,call,delivery-base,wait-queue,worker-entry,worker-table,liveness,pull-server}.ts',
    'workers/serve/{intake,pulls,phase}.ts',
  ],
  testRunner: 'tap',
  plugins: ['@stryker-mutator/tap-runner'],
  // Compiled once: to compile at every start would take longer than the tests.
  buildCommand: 'tsc --noEmit false --outDir build --rootDir .',
  // No such file: Stryker would rewrite its paths with an interface that TypeScript 7 no longer has. None needs it.
  tsconfigFile: 'none',
  tap: {
    // On the fake bus and clock only: no sockets, no child processes, no waiting.
    testFiles: [
      'build/test/gateway/dispatch/*.test.js',
      'build/test/workers/serve/*.test.js',
      // Two wildcards, so that it is found and run last: it is the slowest.
      'build/*/model/*.test.js',
    ],
    nodeArgs: ['--test-reporter=tap', '-r', '{{hookFile}}', '{{testFile}}'],
    forceBail: true,
  },
  coverageAnalysis: 'perTest',
  // Static mutants would run every test, each in a process of its own.
  ignoreStatic: true,
  mutator: {
    excludedMutations: [
      // Texts of errors and logs, which tests do not repeat. A state that is compared is mutated as a condition.
      'StringLiteral',
    ],
  },
  concurrency: 2,
  // Added to 1.5 times what the tests took at first. A short one would count a busy machine as a test that noticed.
  timeoutMS: 10_000,
  tempDirName: '.stryker-tmp',
  ignorePatterns: ['docs', 'dist', '.ci'],
  reporters: ['clear-text', 'progress', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: true },
  thresholds: { high: 90, low: 85, break: 85 },
};
