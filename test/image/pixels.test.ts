import {createHash} from 'node:crypto';
import test from 'ava';
import {distributionOf} from '../../lib/image/distribution.js';
import {readImage} from '../../lib/image/read-image.js';
import {readFixture} from './pixel-fixture.js';

const {files, percentiles} = readFixture();

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float32Array,
};

for (const {name, file, cases} of files) {
  test(`${name}: as numpy reads and stretches it`, async (t) => {
    const bytes = Buffer.from(file);
    for (const {options, width, height, sha1} of cases) {
      const image = await readImage(bytes, options);
      t.like(image, {width, height});
      t.is(createHash('sha1').update(image.data).digest('hex'), sha1, JSON.stringify(options));
    }
    t.deepEqual(bytes, Buffer.from(file), 'the bytes of the caller are not changed');
  });
}

for (const {type, values, percents, expected} of percentiles) {
  test(`percentiles of ${values.length} numbers of ${type}, as numpy.percentile`, async (t) => {
    const plane = {values: ARRAYS[type].from(values), offset: 0, stride: 1, length: values.length};
    const {percentiles} = await distributionOf(plane, type);
    t.deepEqual(await percentiles(percents), expected);
  });
}
