import {fileURLToPath} from 'node:url';
import {compileTypeScript} from './typescript.js';

// What npm runs after `npm install` in a checkout, and before it packs.
await compileTypeScript(fileURLToPath(new URL('..', import.meta.url)));
