export default {
  files: ['test/**/*.test.ts'],
  extensions: {ts: 'module'},
  nodeArguments: ['--import=tsx'],
  workerThreads: false, // a native addon with threads of its own is tested in processes
  concurrency: 2,
  timeout: '10m',
};
