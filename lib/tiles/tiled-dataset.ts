import type {Binding} from '../addon/binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {RecentCache} from '../basics/recent-cache.js';
import {mapInTurns} from '../basics/turns.js';
import {count, show} from '../basics/wording.js';
import type {Dataset, Sample, TrueObject} from '../datasets/dataset.js';
import type {LargeImage} from '../image/regions/large-image.js';
import type {TileGrid} from '../image/regions/tile-grid.js';
import {readTile} from '../model/tiles/read-tiles.js';
import {instanceIn, trueObjectIn} from './cut-object.js';
import {type IndexedTile, tileName} from './image-index.js';
import {readParts} from './image-parts.js';
import {atLevel, type ObjectAtLevel} from './object-at-level.js';
import {OpenImages} from './open-images.js';
import type {CompleteTilesOptions} from './options.js';

/** Where a tile is. */
export type TilePlace = {
  /** The file of the image, and its index in the data set that the tiles are made of. */
  file: string;
  image: number;
  /** In pixels of the level that is read. */
  left: number;
  top: number;
  width: number;
  height: number;
};

/** Counts of a data set of tiles. */
export type TilesStats = {
  images: number;
  tiles: number;
  /** Tiles without objects, among them. */
  negatives: number;
  /** Tiles without objects that `emptyShare` has left out. */
  negativesLeftOut: number;
  /** Objects of the images, without crowds. */
  objects: number;
  /** Parts of objects in tiles that show too little of them. */
  slivers: number;
  /** Tiles that were left out because they show nothing but such parts. */
  sliverTiles: number;
};

/** A tile of the data set: the image, its grid and the objects. */
export type DatasetTile = Readonly<IndexedTile> & {image: number; labels: readonly number[]};

/** What a data set of tiles is made of. */
export type TiledParts = {
  data: Dataset;
  images: readonly LargeImage[];
  grids: readonly TileGrid[];
  /** Numbers of objects of the images, with those that have no pixel at the level. */
  objects: readonly number[];
  tiles: readonly DatasetTile[];
  stats: TilesStats;
  options: CompleteTilesOptions;
  binding: Binding;
};

/** Bytes of the objects of images that are kept, so that they are not decoded again for each tile: 256 MB. */
const OBJECT_BYTES = 256e6;

/** What an object takes besides its run lengths, roughly. */
const BYTES_PER_OBJECT = 400;

/** Tiles of the images of a data set. See `tiles()`. */
export class TiledDataset implements Dataset {
  readonly classes: readonly string[];
  readonly stats: TilesStats;
  readonly #parts: TiledParts;
  readonly #open: OpenImages;
  readonly #objects = new RecentCache<readonly (ObjectAtLevel | undefined)[]>(OBJECT_BYTES, bytesOf);

  /** @internal */
  constructor(parts: TiledParts) {
    this.#parts = parts;
    this.#open = new OpenImages(parts.images);
    this.classes = parts.data.classes;
    this.stats = parts.stats;
  }

  get length(): number {
    return this.#parts.tiles.length;
  }

  get masks() {
    return this.#parts.data.masks ?? 'all';
  }

  /** How image files are read. */
  get pixels() {
    return this.#parts.data.pixels ?? {};
  }

  get categoryIds(): readonly number[] {
    const {classes, categoryIds} = this.#parts.data;
    return categoryIds ?? classes.map((_, i) => i + 1);
  }

  labelOf(categoryId: number): number | undefined {
    const {data} = this.#parts;
    return data.labelOf === undefined
      ? this.categoryIds.indexOf(categoryId) + 1 || undefined
      : data.labelOf(categoryId);
  }

  /** What was found, as one line: '3 images: 48 tiles of 1024 × 1024 pixels, 12 without objects'. */
  get summary(): string {
    const {size} = this.#parts.options;
    const {images, tiles, negatives} = this.stats;
    const what = `${count(tiles, 'tile')} of ${size} × ${size} pixels, ${negatives} without objects`;
    return `${count(images, 'image')}: ${what}`;
  }

  /** What to know about the images, and what the tiles leave out, as sentences. */
  get notices(): readonly string[] {
    const {data, options} = this.#parts;
    const {slivers, sliverTiles, negativesLeftOut} = this.stats;
    const own: string[] = [];
    if (slivers > 0) {
      const tiles = sliverTiles === 0 ? '' : ` ${count(sliverTiles, 'tile')} without anything else were left out.`;
      own.push(
        `${count(slivers, 'part')} of cut objects ${slivers === 1 ? 'is' : 'are'} too small ` +
          `(minVisible: ${options.minVisible}): background in training, neither right nor wrong in scores.${tiles}`,
      );
    }
    if (negativesLeftOut > 0) {
      own.push(`${count(negativesLeftOut, 'tile')} without objects were left out (emptyShare: ${options.emptyShare}).`);
    }
    return [...(data.notices ?? []), ...own];
  }

  /** The options, and what the data set of the images says of itself, as JSON. */
  get fingerprint(): string {
    const {data, options} = this.#parts;
    const {size, overlap, minVisible, emptyShare, seed, of} = options;
    const own = {tiles: size, overlap, minVisible, emptyShare, ...(emptyShare < 1 && {seed}), ...of};
    return JSON.stringify({...optionsIn(data.fingerprint), ...own});
  }

  /** Where tile `index` is. Throws RangeError for an invalid index. */
  place(index: number): TilePlace {
    const {image, number} = this.#tile(index);
    return {file: this.#parts.images[image]!.file, image, ...this.#parts.grids[image]!.tile(number)};
  }

  async size(index: number): Promise<{width: number; height: number}> {
    const {width, height} = this.place(index);
    return {width, height};
  }

  /** The labels of the objects of tile `index`. */
  async labels(index: number): Promise<readonly number[]> {
    return this.#tile(index).labels;
  }

  /** Paths of the files of the image, or none if its data set does not tell them. */
  sources(index: number): readonly string[] {
    return this.#parts.data.sources?.(this.#tile(index).image) ?? [];
  }

  /** The tiles of an image are a group, and those of images that are one group in their data set. */
  group(index: number): string {
    const {data} = this.#parts;
    const {image} = this.#tile(index);
    return data.group?.(image) ?? data.sources?.(image)[0] ?? `image ${image}`;
  }

  /**
   * Tile `index` with its instances. It is called after its image with its rectangle, as in
   * `slide.tif#xywh=0,0,512,512`. Throws INVALID_IMAGE, with the tile, if its pixels cannot be read, and the errors of
   * the data set.
   */
  async get(index: number): Promise<Sample> {
    const {binding, images, grids} = this.#parts;
    const {image, number, objects: places} = this.#tile(index);
    const grid = grids[image]!;
    const tile = grid.tile(number);
    const [pixels, objects] = await Promise.all([
      this.#open.use(image, (source) => readTile(source, grid, number, undefined)),
      this.#objectsOf(image),
    ]);
    const instances = await mapInTurns(places, (place) => instanceIn(binding, objects[place]!, tile));
    return {file: tileName(images[image]!.file, tile), image: pixels!, instances};
  }

  /** The ground truth of tile `index`. Parts of objects of which it shows too little are crowds. */
  async truth(index: number): Promise<TrueObject[]> {
    const {binding, grids} = this.#parts;
    const {image, number, objects: places, slivers, crowds} = this.#tile(index);
    const tile = grids[image]!.tile(number);
    const objects = await this.#objectsOf(image);
    const all = [...places, ...slivers, ...crowds];
    return mapInTurns(all, (place, i) => trueObjectIn(binding, objects[place]!, tile, i >= places.length));
  }

  #tile(index: number): DatasetTile {
    const tile = this.#parts.tiles[index];
    if (tile === undefined) throw new RangeError(`The index must be in 0..${this.length - 1}, got ${show(index)}.`);
    return tile;
  }

  #objectsOf(image: number): Promise<readonly (ObjectAtLevel | undefined)[]> {
    const {data, options, binding, objects: known} = this.#parts;
    return this.#objects.get(image, async () => {
      const {image: level, objects} = await readParts(data, image, options.of);
      if (objects.length !== known[image]) {
        const {file} = level;
        const must = `${file} must keep its ${known[image]} objects while its tiles are used`;
        throw new MaskRcnnError('INVALID_DATASET', `${must}, got ${objects.length}.`, {file});
      }
      return mapInTurns(objects, (object) => atLevel(binding, object, level));
    });
  }
}

function bytesOf(objects: readonly (ObjectAtLevel | undefined)[]): number {
  const counts = objects.reduce((sum, object) => sum + (object?.mask?.rle.counts.length ?? 0), 0);
  return 1 + counts + objects.length * BYTES_PER_OBJECT;
}

/** What a data set says of itself, as an object. */
function optionsIn(fingerprint: string | undefined): object {
  if (fingerprint === undefined) return {};
  return fingerprint.startsWith('{') ? JSON.parse(fingerprint) : {data: fingerprint};
}
