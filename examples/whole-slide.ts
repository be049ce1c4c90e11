/**
 * Finds the objects of a whole slide, tile by tile, and writes them as GeoJSON while they are found. QuPath opens the
 * file beside the slide:
 *
 *   npx tsx examples/whole-slide.ts runs/glas/best.safetensors slide.svs --pixel-size 0.5
 *
 * The command `npx maskrcnn predict … --tiles 1024` does the same, and more: tables, a picture, and going on after a
 * stop.
 */
import {mkdir} from 'node:fs/promises';
import {basename, extname, join} from 'node:path';
import {maskRcnn, openRegions, predictTiles, type TiledObject, writeTilesGeoJson} from 'maskrcnn';
import {misuse, readArguments, readCount, run} from './command-line.js';

const usage = `npx tsx examples/whole-slide.ts WEIGHTS SLIDE [options]

  WEIGHTS              a file that train() saved, or COCO_V1
  SLIDE                a TIFF, BigTIFF, OME-TIFF, GeoTIFF or SVS; or any other image
  --tile N             width and height of the tiles in pixels (default 1024)
  --overlap N          pixels that neighbouring tiles share (default 128)
  --pixel-size N       size of the pixels that the network sees, in µm (default: those of the file)
  --score-threshold N  leave out detections with a lower score, 0..1 (default 0.5)
  --output DIR         folder to write SLIDE.geojson to (default runs)`;

await run(async () => {
  const {values, positionals} = readArguments(usage, {
    allowPositionals: true,
    options: {
      tile: {type: 'string', default: '1024'},
      overlap: {type: 'string', default: '128'},
      'pixel-size': {type: 'string'},
      'score-threshold': {type: 'string', default: '0.5'},
      output: {type: 'string', default: 'runs'},
    },
  });
  const [weights, slide, ...more] = positionals;
  if (weights === undefined || slide === undefined || more.length > 0) misuse(usage, 'Weights and a slide are needed.');
  const output = join(values.output, `${basename(slide, extname(slide))}.geojson`);
  await mkdir(values.output, {recursive: true});

  await using model = await maskRcnn({weights});
  const microns = values['pixel-size'];
  const source = await openRegions(slide, {
    ...model.pixels,
    ...(microns !== undefined && {micronsPerPixel: Number(microns)}),
  });
  try {
    console.log(`${source.width} × ${source.height} pixels of ${source.micronsPerPixel ?? 'an unknown number of'} µm`);
    const objects = predictTiles(model, source, {
      size: readCount(usage, 'tile', values.tile),
      overlap: Number(values.overlap),
      skipBlank: 'glass',
      scoreThreshold: Number(values['score-threshold']),
      onTile({done, total, blank, objects}) {
        if (done % 10 === 0 || done === total) {
          console.log(`tile ${done} of ${total} (${blank} blank), ${objects} objects`);
        }
      },
    });
    const count = await writeTilesGeoJson(output, counted(objects), {downsample: source.downsample});
    console.log(`${count} objects are in ${output}.`);
  } finally {
    await source.close();
  }
});

/** Says at the end how many objects may lack a part. */
async function* counted(objects: AsyncIterable<TiledObject>): AsyncGenerator<TiledObject> {
  let cut = 0;
  for await (const object of objects) {
    if (object.cut) cut++;
    yield object;
  }
  if (cut > 0) console.log(`${cut} objects end at a tile where no other tile found the rest of them.`);
}
