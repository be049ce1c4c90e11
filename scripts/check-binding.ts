import {fileURLToPath} from 'node:url';
import {loadBinding} from '../lib/addon/binding.js';
import {compareBinding, readDeclarations} from './binding-contract.js';

// Compares binding.d.ts with the exports of the addon in both directions: classes, their methods, functions, and
// members of objects.
const declared = readDeclarations(fileURLToPath(new URL('../binding.d.ts', import.meta.url)));
const problems = compareBinding(declared, await loadBinding());
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`binding.d.ts agrees with the addon: ${declared.size} names.`);
