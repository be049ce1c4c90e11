import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {compareBinding, readDeclarations} from '../../scripts/binding-contract.js';
import {temporaryFolder} from '../libtorch/fake-wheel.js';

const declarations = `
export type Options = {a: number};
export class Model {
  static create(options: Options): Promise<Model>;
  detect(): void;
}
export const ops: {nms(boxes: Float32Array): Int32Array};
export function environment(): {libtorch: string};
`;

test('differences are found both ways', (t) => {
  const path = join(temporaryFolder(t), 'binding.d.ts');
  writeFileSync(path, declarations);
  const declared = readDeclarations(path);
  t.deepEqual(
    [...declared],
    [
      ['Model', 'class'],
      ['Model.create', 'function'],
      ['Model#detect', 'function'],
      ['ops', 'object'],
      ['ops.nms', 'function'],
      ['environment', 'function'],
    ],
  );

  class Model {
    static create() {}
    detect() {}
  }
  const environment = () => {};
  t.deepEqual(compareBinding(declared, {Model, ops: {nms() {}}, environment}), []);

  class Other {
    detect() {}
    train() {}
  }
  t.deepEqual(compareBinding(declared, {Model: Other, ops: {roiAlign() {}}, environment: {}}), [
    'Model.create is declared in binding.d.ts, but the addon does not export it.',
    'ops.nms is declared in binding.d.ts, but the addon does not export it.',
    'environment is declared as function in binding.d.ts, but the addon has object.',
    'Model#train is exported by the addon, but not declared in binding.d.ts.',
    'ops.roiAlign is exported by the addon, but not declared in binding.d.ts.',
  ]);
});
