import fromSource from './ava.config.js';

// What `npm test` runs: the tests that scripts/compiled-tests.ts has compiled, which start much faster than by tsx.
const {extensions: _, nodeArguments: __, ...shared} = fromSource;
export default {...shared, files: ['build/tests/test/**/*.test.js']};
