import {homedir} from 'node:os';
import {posix, win32} from 'node:path';

/**
 * The folder for the downloads of this package: `maskrcnn` in `XDG_CACHE_HOME`, else in the cache folder of the
 * platform (`~/.cache`, `~/Library/Caches`, `%LOCALAPPDATA%`). It need not exist.
 */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env, platform = process.platform, home = homedir()): string {
  const {join, isAbsolute} = platform === 'win32' ? win32 : posix;
  // The XDG specification says to ignore relative paths.
  if (env.XDG_CACHE_HOME !== undefined && isAbsolute(env.XDG_CACHE_HOME)) return join(env.XDG_CACHE_HOME, 'maskrcnn');
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'maskrcnn');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'maskrcnn');
  return join(home, '.cache', 'maskrcnn');
}
