import {spawnSync} from 'node:child_process';

/** The Python that tests use: `PYTHON`, or `python3`. */
export const python = process.env.PYTHON ?? 'python3';

/** Whether Python has these modules. If not, prints what is skipped. */
export function pythonHas(modules: readonly string[], skipped: string): boolean {
  const has = spawnSync(python, ['-c', `import ${modules.join(', ')}`]).status === 0;
  if (!has)
    console.log(`# skipped: ${skipped}, for ${python} (PYTHON names another) lacks one of ${modules.join(', ')}`);
  return has;
}
