import test from 'ava';
import {crc32c, maskedCrc32c} from '../../lib/run/crc32c.js';

test('the known answers of RFC 3720, appendix B.4, and of the digits', (t) => {
  t.is(crc32c(new Uint8Array(32)), 0x8a9136aa);
  t.is(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
  t.is(crc32c(Uint8Array.from({length: 32}, (_, i) => i)), 0x46dd794e);
  t.is(crc32c(Uint8Array.from({length: 32}, (_, i) => 31 - i)), 0x113fdb5c);
  t.is(crc32c(Buffer.from('123456789')), 0xe3069283);
  t.is(crc32c(new Uint8Array()), 0);
});

test('the mask rotates by 15 and adds a constant', (t) => {
  t.is(maskedCrc32c(new Uint8Array()), 0xa282ead8);
  // The first record of every event file has length 24, and these four bytes follow it.
  t.is(maskedCrc32c(Uint8Array.of(24, 0, 0, 0, 0, 0, 0, 0)), 0x224b7fa3);
});
