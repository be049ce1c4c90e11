import test from 'ava';
import {cacheRoot} from '../../lib/files/cache.js';

test('XDG_CACHE_HOME comes first, unless it is relative', (t) => {
  t.is(cacheRoot({XDG_CACHE_HOME: '/big/cache'}, 'linux', '/home/a'), '/big/cache/maskrcnn');
  t.is(cacheRoot({XDG_CACHE_HOME: 'cache'}, 'linux', '/home/a'), '/home/a/.cache/maskrcnn');
});

test('each platform has its own place', (t) => {
  t.is(cacheRoot({}, 'linux', '/home/a'), '/home/a/.cache/maskrcnn');
  t.is(cacheRoot({}, 'darwin', '/Users/a'), '/Users/a/Library/Caches/maskrcnn');
  t.is(cacheRoot({LOCALAPPDATA: 'D:\\Local'}, 'win32', 'C:\\Users\\a'), 'D:\\Local\\maskrcnn');
  t.is(cacheRoot({}, 'win32', 'C:\\Users\\a'), 'C:\\Users\\a\\AppData\\Local\\maskrcnn');
});
