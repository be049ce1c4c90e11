import {fileURLToPath} from 'node:url';
import {compileTypeScript} from './typescript.js';

// npm runs this in a checkout: after it has installed dependencies, and before packing. It is not `prepare`, because
// npm takes that for a script of the installation and warns whoever installs the package.
await compileTypeScript(fileURLToPath(new URL('..', import.meta.url)));
