import type {Progress} from '../basics/progress.js';
import type {Schema} from '../basics/schema.js';
import type {Dataset} from '../datasets/dataset.js';
import {completeTilesOptions, TILES_OPTIONS, type TilesOptions} from '../tiles/options.js';
import {tiles} from '../tiles/tiles.js';
import {refuseFlags} from './flags.js';
import {LEVEL_FLAGS, LEVEL_HELP, levelFlags} from './level-flags.js';

const {size, overlap, minVisible, emptyShare} = TILES_OPTIONS;
const others = {overlap, minVisible, emptyShare};

/** The options that cut the images of DATA into tiles. `tiles` is their size. */
export const TILES_FLAGS: Schema = {tiles: size, ...others, ...LEVEL_FLAGS};

export const TILES_HELP = `  --tiles N           cut each image into tiles of N × N pixels, read from the file by region: for images larger than
                      the network takes, and larger than the memory
  --overlap N         pixels that neighbouring tiles share, below --tiles (default 128, but at most half of --tiles)
  --min-visible N     share of an object that a tile must show, for it to be an object there, 0..1 (default 0.1)
  --empty-share N     share of the tiles without objects that stay, 0..1 (default 1)
${LEVEL_HELP}`;

/** The options of `tiles()`, or undefined if images are not to be cut. Throws INVALID_OPTION. */
export function tilesOptions(given: Record<string, unknown>, command: string): TilesOptions | undefined {
  if (given.tiles === undefined) {
    const names = Object.keys(TILES_FLAGS);
    refuseFlags(given, names, {where: `${command} without --tiles`, hint: 'Add --tiles, or leave the option out.'});
    return undefined;
  }
  const known = Object.entries(given).filter(([name]) => Object.hasOwn(others, name));
  const options: TilesOptions = {
    ...Object.fromEntries(known),
    ...levelFlags(given, command),
    size: given.tiles as number,
  };
  completeTilesOptions(options);
  return options;
}

/** The tiles of `data` if there are options for them, otherwise `data`. Throws the errors of `tiles()`. */
export async function inTiles(
  data: Dataset,
  options: TilesOptions | undefined,
  {name, progress, signal}: {name: string; progress?: Progress; signal?: AbortSignal | undefined},
): Promise<Dataset> {
  if (options === undefined) return data;
  const label = `Cutting the ${name} images`;
  const onImage = (done: number) => progress?.update({label, done, total: data.length, unit: 'count'});
  const cut = await tiles(data, {...options, onImage, ...(signal && {signal})});
  progress?.close();
  progress?.say(`${name}: ${cut.summary}.`);
  return cut;
}
