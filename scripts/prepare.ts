import {fileURLToPath} from 'node:url';
import {compileTypeScript} from './typescript.js';

// npm runs this after `npm install` in a checkout, and before packing.
await compileTypeScript(fileURLToPath(new URL('..', import.meta.url)));
