import test from 'ava';
import {native} from '../../lib/addon/native-errors.js';
import {MaskRcnnError} from '../../lib/basics/errors.js';

test('errors of the addon keep their code and get a hint', async (t) => {
  const cause = Object.assign(new Error('no room for 8 GB'), {code: 'OUT_OF_MEMORY'});
  const error = await t.throwsAsync(
    native(() => Promise.reject(cause)),
    {
      instanceOf: MaskRcnnError,
      code: 'OUT_OF_MEMORY',
    },
  );
  t.is(error!.message, 'no room for 8 GB\nTake fewer images at a time (batchSize) or smaller ones (minSize, maxSize).');
  t.is(error!.cause, cause);
});

test('errors without a code are defects', async (t) => {
  const error = await t.throwsAsync(
    native(() => {
      throw new TypeError('boxes must be a Float32Array');
    }),
    {instanceOf: MaskRcnnError, code: 'NATIVE'},
  );
  t.true(error!.message.startsWith('boxes must be a Float32Array\n'), error!.message);
});

test('errors of this package and results pass unchanged', async (t) => {
  const own = new MaskRcnnError('DISPOSED', 'gone');
  t.is(await t.throwsAsync(native(() => Promise.reject(own))), own);
  t.is(await native(() => 3), 3);
});
