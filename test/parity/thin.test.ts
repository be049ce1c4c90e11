import test from 'ava';
import {createModel, type Fixture, measureDetections, readFixture} from './measure.js';

test('an image of 16 rows is pooled at the true strides, as in torchvision after an ordinary image', async (t) => {
  const {scenes, detections} = readFixture<Pick<Fixture, 'scenes' | 'detections'>>('thin');
  const network = readFixture('resnet18');
  const model = await createModel('resnet18', network);
  const errors = await measureDetections(model, {...network, scenes, detections, detected: 1});
  model.dispose();
  for (const [name, error] of errors) t.true(error < 1e-4, `${name}: ${error}`);
});
