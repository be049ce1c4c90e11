import {MaskRcnnError} from '../../basics/errors.js';
import type {ProgressState} from '../../basics/progress.js';
import {bool, either, integer, listOf, number, oneOf, text} from '../../basics/schema.js';
import {count} from '../../basics/wording.js';
import {DRAW_SCHEMA} from '../../draw/overlay.js';
import {describeLoss} from '../../export/losses.js';
import {checkNetworkSize} from '../../image/network-size.js';
import {describeNotices, type FileNotice} from '../../image/notices.js';
import {PIXEL_OPTIONS, type PixelOptions, pixelOptionsOf} from '../../image/pixel-options.js';
import {type RgbImage, readImage} from '../../image/read-image.js';
import {ON_TOP} from '../../masks/paint-labels.js';
import {maskRcnn} from '../../model/create.js';
import type {Detections} from '../../model/detections.js';
import {type Views, viewsRule} from '../../model/predict-options.js';
import {TileJournal} from '../../model/tiles/tile-journal.js';
import type {TileProgress} from '../../model/tiles/tile-progress.js';
import type {Command} from '../command.js';
import {DEVICE_OPTIONS, deviceOptions} from '../device-options.js';
import {listImages} from '../image-files.js';
import {inFlagSpelling} from '../option-spelling.js';
import {addLarge} from '../prediction/add-large.js';
import {byDoubt, type DoubtedImage, refuseOrder} from '../prediction/doubt-order.js';
import type {ImageRecord} from '../prediction/image-record.js';
import {describeNothing} from '../prediction/nothing-found.js';
import {FORMATS} from '../prediction/output-files.js';
import {outputOptions, refuseMaskFormats} from '../prediction/output-options.js';
import {openPart, partKey} from '../prediction/part.js';
import {predictHelp} from '../prediction/predict-help.js';
import {incompleteNotice, listNotices, overlayNotices} from '../prediction/predict-notices.js';
import {PredictionWriter} from '../prediction/prediction-writer.js';
import {indexOf, shardFolder, shardOf, shardRule} from '../prediction/shard.js';
import {requireMasks, TILE_OPTIONS, tileFlags} from '../prediction/tile-options.js';
import {isLarge, journalFolder, predictInTiles, requireNothingBegun} from '../prediction/tiled-prediction.js';

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
    order: oneOf('doubt'),
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
    const {maxDetections, recursive = false, resume = false} = options;
    const shard = shardOf(options.shard as string | undefined);
    const {folder: whole, ...how} = outputOptions(options);
    const output = {...how, folder: shardFolder(whole, shard)};
    const cut = tileFlags(options, {isPart: shard !== undefined});
    refuseOrder(options, {isCut: cut !== undefined, isPart: shard !== undefined});
    const [weights, ...inputs] = positionals as [string, ...string[]];
    const list = await listImages(inputs, recursive as boolean);
    const writer = await PredictionWriter.plan(output, list.images, shard);
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
    const reading = {...network.pixels, ...pixelOptionsOf(options as PixelOptions)};
    const images: readonly DoubtedImage[] =
      options.order === undefined
        ? writer.images
        : await byDoubt(writer.images, {network, reading, views: limits.views, signal, progress});
    const {classes} = network;
    await using journal =
      shard &&
      (await openPart(
        output.folder,
        {
          shard,
          key: await partKey({
            ...{weights, precision: network.options.precision, images: list.images},
            ...{reading, limits: {...limits, ...most}, cut, output},
          }),
          images: list.images.length,
          classes,
          output: how,
        },
        {resume: resume as boolean, overwrite: output.overwrite},
      ));
    const done = new Set<number>();
    for (const [i, {file}] of images.entries()) if (await journal?.isDone(indexOf(i, shard), file)) done.add(i);
    if (done.size > 0) progress.say(`Going on: ${done.size} of ${count(images.length, 'image')} were done before.`);
    // Before hours of work: what cannot be written of an image, and what would be lost.
    const large = new Map<string, string>();
    if (cut !== undefined) {
      for (const [i, {file, stem}] of images.entries()) {
        if (done.has(i) || !(await isLarge(file, cut, {formats: output.formats, page: reading.page}))) continue;
        const folder = journalFolder(output.folder, stem);
        if (!cut.resume && !output.overwrite) await requireNothingBegun(folder, file);
        if (!cut.resume) await TileJournal.remove(folder);
        large.set(file, folder);
      }
    }
    const failed: MaskRcnnError[] = [];
    const notices: FileNotice[] = [];
    let incomplete = 0;
    for (const [i, image] of images.entries()) {
      const state: ProgressState = {label: 'Predicting', done: i, total: images.length, unit: 'count'};
      progress.update(state);
      const index = indexOf(i, shard);
      try {
        if (done.has(i)) {
          signal.throwIfAborted();
          const record = (await journal!.read(index)) as ImageRecord;
          await writer.addWritten(record, classes);
          if (record.missing.length > 0) incomplete++;
          continue;
        }
        const folder = large.get(image.file);
        if (folder !== undefined) {
          const work = {network, weights, file: image.file, folder, flags: cut!, reading, progress, state};
          const found = {...work, limits: {...limits, ...most}};
          const record = await addLarge(image, found, {writer, output, classes, out});
          if (journal === undefined) continue;
          await journal.add(index, record);
          await TileJournal.remove(folder);
          continue;
        }
        const pixels = await readImage(image.file, reading);
        notices.push(...(pixels.notices ?? []));
        const found = await detect(pixels, image.file, state);
        const {doubt} = image;
        const record = await writer.add(image, pixels, found, {classes, page: reading.page, doubt});
        await journal?.add(index, record);
        const {missing} = record;
        const objects = found.scores.length;
        const nothing = () =>
          cut === undefined
            ? describeNothing(network, pixels, limits)
            : `nothing above ${limits.scoreThreshold} in any tile`;
        const said = objects === 0 ? await nothing() : count(objects, 'object');
        const doubted = doubt === undefined ? '' : `; doubt ${doubt.toFixed(3)}`;
        const hidden = missing.length === 0 ? '' : `; not in the label mask: ${missing.join(', ')}`;
        out(`${image.file}: ${said}${doubted}${hidden}`);
        if (missing.length > 0) incomplete++;
      } catch (error) {
        if (writer.isHalfAdded || !isOfOneImage(error)) {
          await writer.abort();
          throw error;
        }
        progress.say(`error: ${spelt(error.message)}`);
        const folder = large.get(image.file);
        if (folder !== undefined && (await TileJournal.isThere(folder))) {
          progress.say('What was found before is kept. Go on with --resume.');
        }
        failed.push(error);
        await journal?.add(index, {failed: spelt(error.message), file: image.file});
      }
    }
    progress.close();
    await writer.close(classes);
    for (const notice of describeNotices(notices)) progress.say(`Warning: ${spelt(notice)}`);
    for (const notice of overlayNotices(writer)) progress.say(notice);
    for (const {format, loss} of writer.losses) progress.say(describeLoss(format, loss));
    if (incomplete > 0) progress.say(incompleteNotice(incomplete, output.onTop));
    if (failed.length === 0) {
      for (const folder of large.values()) await TileJournal.remove(folder);
      return out(`Everything is in ${output.folder}.`);
    }
    const begun = await Promise.all([...large.values()].map((folder) => TileJournal.isThere(folder)));
    if (begun.includes(true))
      progress.say('What was found of large images is kept for --resume, in folders called NAME.tiles.');
    if (writer.added > 0)
      out(`The results of ${writer.added} of ${count(images.length, 'image')} are in ${output.folder}.`);
    throw new MaskRcnnError('INVALID_IMAGE', `${count(failed.length, 'image')} of ${images.length} failed.`);
  },
};

/** Whether the other images can be predicted all the same. */
function isOfOneImage(error: unknown): error is MaskRcnnError {
  return error instanceof MaskRcnnError && (error.code === 'INVALID_IMAGE' || error.code === 'INVALID_MASK');
}

/** A message of the library with the flags of this command. */
const spelt = (message: string) => inFlagSpelling(message, {...PIXEL_OPTIONS, ...TILE_OPTIONS}, 'maskrcnn predict');
