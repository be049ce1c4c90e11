import {MaskRcnnError} from '../../basics/errors.js';
import {checkOptions} from '../../basics/schema.js';
import {Turn} from '../../basics/turns.js';
import {discard} from '../../image/discard.js';
import {lend} from '../../image/lent-pixels.js';
import {PIXEL_OPTIONS, type PixelOptions, pixelOptionsOf} from '../../image/pixel-options.js';
import type {ImageSource, RawImage} from '../../image/read-image.js';
import {LEVEL_OPTIONS, type LevelOptions, levelOptionsOf} from '../../image/regions/large-image.js';
import type {TileSource} from '../../image/regions/region-source.js';
import {decodeRle, type Rle} from '../../masks/rle.js';
import type {Detections, MaskFormat, Masks} from '../detections.js';
import {type Predictor, predict, sourceFile} from '../predict.js';
import {PREDICT_OPTIONS, type PredictOptions} from '../predict-options.js';
import {CUT_OPTIONS} from './cut-options.js';
import {detectionsOfTiles} from './detections-of-tiles.js';
import {completeTileOptions, TILE_OPTIONS, type TileOptions} from './options.js';
import {predictTiles} from './predict-tiles.js';
import {openTileSource} from './tile-source.js';
import type {TiledObject} from './tiled-object.js';

/** Options of `model.predictTiles()`: how it cuts, detects and reads. Invalid ones throw INVALID_OPTION. */
export type PredictTilesOptions = TileOptions & LevelOptions & PixelOptions;

/** An image in tiles, as `model.predictTiles()` sees it. */
type TiledImage = {
  image: ImageSource | TileSource;
  name: string;
  level: LevelOptions;
  /** How to read image files, and how the model's images were read. */
  pixels: PixelOptions;
  ofModel: PixelOptions;
};

/** The objects of an image, tile by tile. Options are checked at once. */
export function predictImageTiles(
  predictor: Predictor,
  image: ImageSource | TileSource,
  options: PredictTilesOptions,
): AsyncGenerator<TiledObject, void, undefined> {
  const where = 'predictTiles()';
  const {level: _level, micronsPerPixel: _microns, range: _range, page: _page, channels: _channels, ...how} = options;
  const [level, pixels] = [levelOptionsOf(options), pixelOptionsOf(options)];
  checkOptions(options, {...TILE_OPTIONS, ...LEVEL_OPTIONS, ...PIXEL_OPTIONS}, where);
  completeTileOptions(how, where);
  requireMasks(predictor, where);
  const given = {image, name: 'The image of predictTiles()', level, pixels, ofModel: predictor.pixels};
  return objectsOf(predictor, given, how);
}

/** Closes what it opens. `onSource` is told the regions before the first tile. */
async function* objectsOf(
  predictor: Predictor,
  {image, ...how}: TiledImage,
  options: TileOptions,
  onSource: (source: TileSource) => void = () => {},
): AsyncGenerator<TiledObject, void, undefined> {
  const {source, isOwn, close} = await openTileSource(image, how);
  const model = {
    predict: async (tiles: readonly RawImage[], how: PredictOptions<'rle'>) => {
      if (!isOwn) return predict(predictor, tiles, how);
      // Megabytes for each tile would make V8 collect garbage all the time.
      return predict(predictor, tiles.map(lend), how).finally(() => {
        for (const {data} of tiles) discard(data);
      });
    },
  };
  try {
    onSource(source);
    yield* predictTiles(model, source, options);
  } finally {
    await close();
  }
}

/** What `predict()` gives with the option `tiles`. */
export async function predictImagesInTiles<F extends MaskFormat>(
  predictor: Predictor,
  images: readonly ImageSource[],
  options: PredictOptions<F>,
): Promise<Detections<F>[]> {
  checkOptions(options, PREDICT_OPTIONS, 'predict()');
  const {tiles = {}, maskFormat = 'rle', range: _range, page: _page, channels: _channels, ...detection} = options;
  checkOptions(tiles, {...CUT_OPTIONS, ...LEVEL_OPTIONS}, "predict()'s 'tiles'");
  if (maskFormat === 'float') {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      "Option 'maskFormat' of predict() must be 'rle', 'bitmap' or 'none' for tiles, got 'float'.",
    );
  }
  requireMasks(predictor, "predict() with 'tiles'");
  const {level: _level, micronsPerPixel: _microns, ...cut} = tiles;
  const how = {...detection, ...cut};
  completeTileOptions(how, "predict()'s 'tiles'");
  const level = levelOptionsOf(tiles);
  const pixels = pixelOptionsOf(options);

  const results: Detections<F>[] = [];
  for (const [i, image] of images.entries()) {
    const objects: TiledObject[] = [];
    let size = {width: 0, height: 0};
    const onSource = ({width, height}: TileSource) => {
      size = {width, height};
    };
    const given = {image, name: `Image ${i} of predict()`, level, pixels, ofModel: predictor.pixels};
    for await (const object of objectsOf(predictor, given, how, onSource)) objects.push(object);
    const {masks, ...found} = await detectionsOfTiles(objects, {...size, ...sourceFile(image)});
    results.push({...found, masks: (await inFormat(masks, maskFormat)) as Masks<F>});
  }
  return results;
}

async function inFormat(masks: Rle[], format: 'rle' | 'bitmap' | 'none'): Promise<Masks> {
  if (format === 'rle') return masks;
  if (format === 'none') return [];
  const turn = new Turn();
  const bitmaps: Uint8Array[] = [];
  for (const mask of masks) {
    if (turn.isOver()) await turn.next();
    bitmaps.push(decodeRle(mask));
  }
  return bitmaps;
}

/** By its masks an object is joined that tiles cut. */
function requireMasks({options}: Predictor, where: string): void {
  if (options.masks !== 'none') return;
  throw new MaskRcnnError('INVALID_OPTION', `${where} needs a network with masks, which join what tiles cut.`);
}
