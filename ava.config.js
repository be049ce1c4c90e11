export default {
  files: ['test/**/*.test.ts'],
  extensions: {ts: 'module'},
  nodeArguments: ['--import=tsx'],
  workerThreads: false, // a native addon with threads of its own is tested in processes
  concurrency: 2,
  environmentVariables: {OMP_WAIT_POLICY: 'passive'}, // test files at the same time: idle threads must not spin
  timeout: '10m',
};
