import {MaskRcnnError, sentenceOf} from '../../basics/errors.js';
import {oneOf, required} from '../../basics/schema.js';
import {count} from '../../basics/wording.js';
import type {Dataset} from '../../datasets/dataset.js';
import {findDataset, requireImages} from '../../datasets/open-dataset.js';
import {type ConvertOptions, convertDataset, segmentationRule} from '../../export/convert-dataset.js';
import {EXPORT_FORMATS, type ExportFormatName, exportFormat, exportFormatRule} from '../../export/formats.js';
import {describeLoss} from '../../export/losses.js';
import type {Command} from '../command.js';
import {dataOptionsHelp, FROM_HELP, FROM_OPTIONS} from '../data-options.js';

export const convertData: Command = {
  name: 'convert-data',
  summary: 'Write a data set in the format of another annotation tool',
  help: () => `Usage: maskrcnn convert-data FROM TO --format NAME [OPTIONS]

Writes the objects of FROM to the new folder TO, with the images. Masks stay the same to the pixel wherever the format
can hold them; what it cannot is told at the end, with the first object. If FROM is split into train, valid and so on,
TO is too. TO gets its name when it is whole: what an interrupted run leaves is called TO.….tmp.

  --format NAME       the format to write:
${EXPORT_FORMATS.map(({key, name, writes}) => `                      ${key}: ${name}, ${writes}`).join('\n')}
  --image-files HOW   what becomes of the images: copy, or link for symbolic links, or none (default copy)
  --segmentation FORM how masks are written. COCO: rle for compressed run lengths, runs for uncompressed ones, or
                      polygons, which have no holes (default rle). CVAT: masks, or polygons (default: polygons for
                      objects of one part without holes, masks for the others)
  --split NAME        convert only this part of FROM

  maskrcnn convert-data labelme yolo --format yolo
  maskrcnn convert-data roboflow cvat --format cvat --split train --image-files none
  maskrcnn convert-data GlaS glas-coco --format coco --include 'train_*' --default-class gland

${FROM_HELP}

${dataOptionsHelp('FROM')}`,
  options: {
    ...FROM_OPTIONS,
    format: required(exportFormatRule),
    imageFiles: oneOf('copy', 'link', 'none'),
    segmentation: segmentationRule,
  },
  takes: {min: 2, max: 2, expected: 'FROM and TO'},
  async run({format, imageFiles = 'copy', segmentation, split, ...options}, positionals, {out, progress, signal}) {
    const [from, to] = positionals as [string, string];
    const key = format as ExportFormatName;
    const images = imageFiles as NonNullable<ConvertOptions['images']>;
    const data = await openParts(from, options, split as string | undefined);
    const parts = isWhole(data) ? [data] : Object.values(data);
    if (images !== 'none') for (const part of parts) await requireImages(part, from);
    const onImage = (done: number, total: number) => progress.update({label: 'Converting', done, total, unit: 'count'});
    const {losses, ...counts} = await convertDataset(data, to, {
      format: key,
      images,
      ...(segmentation !== undefined && {segmentation: segmentation as 'rle'}),
      onImage,
      signal,
    });
    progress.close();
    // After the objects were read: some are left out only then.
    const notices = new Set(parts.flatMap((part) => part.notices ?? []));
    for (const notice of notices) progress.say(notice);
    const {name} = exportFormat(key);
    out(`${to}: ${count(counts.images, 'image')} with ${count(counts.objects, 'object')} in the format of ${name}.`);
    for (const loss of losses) out(describeLoss(name, loss));
    if (losses.length === 0) out(notices.size === 0 ? 'Nothing is lost.' : 'Nothing else is lost.');
  },
};

/** The whole data set, one of its splits, or all of them by their names. */
async function openParts(
  path: string,
  {fromFormat, ...others}: Record<string, unknown>,
  split: string | undefined,
): Promise<Dataset | Record<string, Dataset>> {
  const options = {...others, ...(fromFormat !== undefined && {format: fromFormat as string})};
  try {
    const found = await findDataset(path, options);
    if (split !== undefined || found.splits.length < 2) return await found.open(split);
    const parts: Record<string, Dataset> = {};
    for (const name of found.splits) parts[name] = await found.open(name);
    return parts;
  } catch (error) {
    throw withFromFormat(error);
  }
}

function isWhole(data: Dataset | Record<string, Dataset>): data is Dataset {
  return typeof data.get === 'function';
}

/** Here --format is that of what is written. */
function withFromFormat(error: unknown): unknown {
  if (!(error instanceof MaskRcnnError) || !error.message.includes('`format`')) return error;
  const {code, hint, file, cause} = error;
  const [text, advice] = [sentenceOf(error), hint].map((each) => each?.replaceAll('`format`', '`fromFormat`'));
  return new MaskRcnnError(code, text!, {
    ...(advice !== undefined && {hint: advice}),
    ...(file !== undefined && {file}),
    cause,
  });
}
