import {join} from 'node:path';
import {MaskRcnnError} from '../../basics/errors.js';
import type {ProgressState} from '../../basics/progress.js';
import {bool, either, integer, listOf, number, oneOf, text} from '../../basics/schema.js';
import {count} from '../../basics/wording.js';
import {DRAW_SCHEMA} from '../../draw/overlay.js';
import {checkPictureOptions, type PictureOptions} from '../../draw/picture-format.js';
import {describeLoss} from '../../export/losses.js';
import {checkNetworkSize} from '../../image/network-size.js';
import {describeNotices, type FileNotice} from '../../image/notices.js';
import {PIXEL_OPTIONS, type PixelOptions, pixelOptionsOf} from '../../image/pixel-options.js';
import {type RgbImage, readImage} from '../../image/read-image.js';
import {ON_TOP, type OnTop} from '../../masks/paint-labels.js';
import {maskRcnn} from '../../model/create.js';
import type {Detections} from '../../model/detections.js';
import {type Views, viewsRule} from '../../model/predict-options.js';
import {TileJournal} from '../../model/tiles/tile-journal.js';
import type {TileProgress} from '../../model/tiles/tile-progress.js';
import type {Command} from '../command.js';
import {DEVICE_OPTIONS, deviceOptions} from '../device-options.js';
import {refuseFlags} from '../flags.js';
import {type ImageList, listImages} from '../image-files.js';
import {inFlagSpelling} from '../option-spelling.js';
import {describeNothing} from '../prediction/nothing-found.js';
import {predictHelp} from '../prediction/predict-help.js';
import {
  FORMATS,
  type Format,
  type ImageFile,
  type PredictionOutput,
  PredictionWriter,
  WITHOUT_MASKS,
} from '../prediction/prediction-writer.js';
import {partOf, shardFolder, shardOf, shardRule} from '../prediction/shard.js';
import {requireMasks, TILE_OPTIONS, tileFlags} from '../prediction/tile-options.js';
import {
  isLarge,
  journalFolder,
  predictInTiles,
  predictLarge,
  requireNothingBegun,
} from '../prediction/tiled-prediction.js';

const format = oneOf(...FORMATS);

export const predict: Command = {
  name: 'predict',
  summary: "Find the objects in images: pictures, JSON, COCO results, label masks, tables, annotation tools' formats",
  help: predictHelp,
  options: {
    scoreThreshold: number({min: 0, max: 1}),
    save: either(format, listOf(format, {min: 1})),
    output: text,
    recursive: bool,
    shard: shardRule,
    overwrite: bool,
    maxDetections: integer({min: 1}),
    ...TILE_OPTIONS,
    views: viewsRule,
    onTop: oneOf(...ON_TOP),
    micronsPerPixel: number({above: 0}),
    overlayFormat: DRAW_SCHEMA.format!,
    overlayQuality: DRAW_SCHEMA.quality!,
    overlayScale: DRAW_SCHEMA.scale!,
    ...PIXEL_OPTIONS,
    ...DEVICE_OPTIONS,
  },
  takes: {min: 2, max: Infinity, expected: 'WEIGHTS and at least one image'},
  async run(options, positionals, {out, progress, signal}) {
    const {maxDetections, recursive = false} = options;
    const shard = shardOf(options.shard as string | undefined);
    const {folder: whole, ...how} = outputOptions(options);
    const output = {...how, folder: shardFolder(whole, shard)};
    const cut = tileFlags(options);
    const [weights, ...inputs] = positionals as [string, ...string[]];
    const list = await listImages(inputs, recursive as boolean);
    const writer = await PredictionWriter.plan(output, partOf(list.images, shard));
    for (const notice of listNotices(list)) progress.say(notice);
    await using network = await maskRcnn({
      ...deviceOptions(options),
      weights,
      signal,
      onNotice: (notice) => progress.say(spelt(notice)),
    });
    if (network.options.masks === 'none') refuseMaskFormats(output.formats);
    if (cut !== undefined) requireMasks(network);
    const limits = {
      scoreThreshold: (options.scoreThreshold as number | undefined) ?? 0.5,
      views: (options.views as Views | undefined) ?? 1,
      signal,
    };
    const most = maxDetections === undefined ? {} : {maxDetections: maxDetections as number};
    const detect = async (pixels: RgbImage, file: string, state: ProgressState): Promise<Detections> => {
      if (cut !== undefined) {
        const onTile = ({done, total}: TileProgress) =>
          progress.update({...state, notes: [`tile ${done} of ${total}`]});
        return predictInTiles(network, pixels, file, {...limits, ...most, ...cut.tiles, onTile});
      }
      checkNetworkSize(pixels, network.options, {name: file, file});
      const [found] = await network.predict(pixels, {...limits, ...most});
      return found;
    };
    const {images} = writer;
    const reading = {...network.pixels, ...pixelOptionsOf(options as PixelOptions)};
    // Before hours of work: what cannot be written of an image, and what would be lost.
    const large = new Map<string, string>();
    if (cut !== undefined) {
      for (const {file, stem} of images) {
        if (!(await isLarge(file, cut, {formats: output.formats, page: reading.page}))) continue;
        const folder = journalFolder(output.folder, stem);
        if (!cut.resume && !output.overwrite) await requireNothingBegun(folder, file);
        if (!cut.resume) await TileJournal.remove(folder);
        large.set(file, folder);
      }
    }
    const addLarge = async (image: ImageFile, folder: string, state: ProgressState): Promise<void> => {
      const {file} = image;
      const work = {
        network,
        weights,
        file,
        folder,
        flags: cut!,
        reading,
        limits: {...limits, ...most},
        progress,
        state,
      };
      const {source, journal, blank, tiles} = await predictLarge(work);
      try {
        await writer.addLarge(image, {source, reading, objects: () => journal.read()});
      } finally {
        await journal.close();
        await source.close();
      }
      out(
        `${file}: ${count(journal.objects, 'object')}${blank === 0 ? '' : `; ${blank} of ${count(tiles, 'tile')} were blank`}`,
      );
    };
    const failed: MaskRcnnError[] = [];
    const notices: FileNotice[] = [];
    let incomplete = 0;
    for (const [index, image] of images.entries()) {
      const state: ProgressState = {label: 'Predicting', done: index, total: images.length, unit: 'count'};
      progress.update(state);
      try {
        const folder = large.get(image.file);
        if (folder !== undefined) {
          await addLarge(image, folder, state);
          continue;
        }
        const pixels = await readImage(image.file, reading);
        notices.push(...(pixels.notices ?? []));
        const found = await detect(pixels, image.file, state);
        const missing = await writer.add(image, pixels, found, {classes: network.classes, page: reading.page});
        const objects = found.scores.length;
        const nothing = () =>
          cut === undefined
            ? describeNothing(network, pixels, limits)
            : `nothing above ${limits.scoreThreshold} in any tile`;
        const said = objects === 0 ? await nothing() : count(objects, 'object');
        out(`${image.file}: ${said}${missing.length === 0 ? '' : `; not in the label mask: ${missing.join(', ')}`}`);
        if (missing.length > 0) incomplete++;
      } catch (error) {
        if (!(error instanceof MaskRcnnError && error.code === 'INVALID_IMAGE')) {
          await writer.abort();
          throw error;
        }
        progress.say(`error: ${spelt(error.message)}`);
        const folder = large.get(image.file);
        if (folder !== undefined && (await TileJournal.isThere(folder))) {
          progress.say('What was found before is kept. Go on with --resume.');
        }
        failed.push(error);
      }
    }
    progress.close();
    await writer.close(network.classes);
    for (const notice of describeNotices(notices)) progress.say(`Warning: ${spelt(notice)}`);
    for (const notice of overlayNotices(writer)) progress.say(notice);
    for (const {format, loss} of writer.losses) progress.say(describeLoss(format, loss));
    if (incomplete > 0) progress.say(incompleteNotice(incomplete, output.onTop));
    if (failed.length === 0) {
      for (const folder of large.values()) await TileJournal.remove(folder);
      return out(`Everything is in ${output.folder}.`);
    }
    if (large.size > 0)
      progress.say('What was found of large images is kept for --resume, in folders called NAME.tiles.');
    if (writer.added > 0)
      out(`The results of ${writer.added} of ${count(images.length, 'image')} are in ${output.folder}.`);
    throw new MaskRcnnError('INVALID_IMAGE', `${count(failed.length, 'image')} of ${images.length} could not be read.`);
  },
};

/** A message of the library with the flags of this command. */
const spelt = (message: string) => inFlagSpelling(message, {...PIXEL_OPTIONS, ...TILE_OPTIONS}, 'maskrcnn predict');

/** Throws INVALID_OPTION for options of something that is not to be written. */
function outputOptions(options: Record<string, unknown>): PredictionOutput {
  const formats = [options.save ?? ['overlay', 'json']].flat() as Format[];
  const flagsOf = {
    overlay: ['overlayFormat', 'overlayQuality', 'overlayScale'],
    labels: ['onTop'],
    csv: ['micronsPerPixel'],
  } as const;
  const written = formats.map((name): string => (name === 'labels-tiff' ? 'labels' : name));
  for (const [name, flags] of Object.entries(flagsOf)) {
    if (written.includes(name)) continue;
    refuseFlags(options, flags, {
      where: `maskrcnn predict without ${name} in --save`,
      hint: `Add ${name} to --save, or leave the option out.`,
    });
  }
  const {
    overlayFormat = 'png',
    overlayQuality,
    overlayScale = 'auto',
    onTop = 'better',
    micronsPerPixel,
    output,
    overwrite = false,
  } = options;
  const overlay = {
    format: overlayFormat,
    scale: overlayScale,
    ...(overlayQuality !== undefined && {quality: overlayQuality}),
  } as PredictionOutput['overlay'];
  checkPictureOptions(overlay as PictureOptions, 'maskrcnn predict');
  return {
    folder: (output as string | undefined) ?? join('runs', 'predict'),
    formats,
    overlay,
    onTop: onTop as OnTop,
    ...(micronsPerPixel !== undefined && {micronsPerPixel: micronsPerPixel as number}),
    overwrite: overwrite as boolean,
  };
}

/** Throws INVALID_OPTION if a format needs masks. */
function refuseMaskFormats(formats: readonly Format[]): void {
  const needing = formats.filter((format) => !WITHOUT_MASKS.includes(format));
  if (needing.length === 0) return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `Option 'save' of maskrcnn predict must be of ${WITHOUT_MASKS.join(', ')} for a network without masks, got ${needing.join(', ')}.`,
  );
}

function incompleteNotice(images: number, onTop: OnTop): string {
  const reason =
    onTop === 'better'
      ? 'better ones cover more than half of them, or their masks are empty. --on-top smaller shows all that is visible.'
      : 'smaller ones cover them, or their masks are empty.';
  return `The label masks of ${count(images, 'image')} lack objects: ${reason}`;
}

/** What became of overlays in other formats, in sentences. */
function overlayNotices({removed, kept}: PredictionWriter): string[] {
  return [
    ...(removed.length > 0
      ? [
          `Removed ${count(removed.length, 'overlay')} of an earlier prediction in another format, such as ${removed[0]}.`,
        ]
      : []),
    ...(kept.length > 0
      ? [
          `Kept ${count(kept.length, 'overlay')} in another format, perhaps of an earlier prediction, such as ${kept[0]}.`,
        ]
      : []),
  ];
}

/** What was not read, in sentences. */
function listNotices({leftOut, deeper}: ImageList): string[] {
  const notices = deeper.map(
    (file) => `Subfolders are not searched, and hold images such as ${file}: see --recursive.`,
  );
  if (leftOut.length === 0) return notices;
  const files = count(leftOut.length, 'file');
  return [`Left out ${files} by name, as masks or pictures that maskrcnn writes, such as ${leftOut[0]}.`, ...notices];
}
