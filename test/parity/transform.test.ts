import test from 'ava';
import {loadBinding} from '../../lib/addon/binding.js';
import {DEFAULT_SIZES} from './configs.js';
import {type Digest, digestError} from './digest.js';
import {readFixture} from './measure.js';
import {type Scene, sceneImage} from './scenes.js';

test('images are resized to torchvision’s default sizes, normalised and padded as there', async (t) => {
  const {scenes, stages} = readFixture<{scenes: Scene[]; stages: Record<string, Digest>}>('transform');
  const {Model} = await loadBinding();
  const model = await Model.create(DEFAULT_SIZES);
  const [batch] = await model.trace(scenes.map(sceneImage));
  model.dispose();
  const name = 'transform.images';
  t.is(batch?.name, name);
  t.deepEqual(batch?.shape, [2, 3, 928, 1344]);
  const error = digestError(name, batch!.shape, batch!.data, stages[name]!);
  t.log(`${error.toExponential(1)}  ${name}`);
  t.true(error < 1e-4);
});
