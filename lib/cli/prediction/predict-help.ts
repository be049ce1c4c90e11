import {pixelsHelp} from '../data-options.js';
import {DEVICE_HELP} from '../device-options.js';
import {LEVEL_HELP} from '../level-flags.js';
import {toolHelp} from '../tool-formats.js';
import {FORMATS} from './output-files.js';
import {LARGE_FORMATS} from './tiled-prediction.js';

/** The text of `maskrcnn predict --help`. */
export const predictHelp = () => `Usage: maskrcnn predict WEIGHTS IMAGE|FOLDER|PATTERN ... [OPTIONS]

WEIGHTS is a file saved by training, the folder of a run, which means its best.safetensors, or COCO_V1, which is
torchvision's network for everyday objects.

  --score-threshold N keep only objects with a score above this, 0..1 (default 0.5)
  --save LIST         what to write, from ${FORMATS.join(',')} (default overlay,json):
                      overlay: NAME_overlay.png, the image with the objects drawn on it
                      json: NAME.json, the objects with id, class, score, box and mask
                      coco: results.json, and images.json with the ids of the images
                      labels: NAME_labels.png, 16 bits, with the id of each object and 0 for the background; an image
                      with more than 65535 objects fails
                      csv: objects.csv, the measurements of each object, and counts.csv, the objects of each class;
                      intensities are the numbers that the image file stores, of all channels but alpha
                      labels-tiff: the same as NAME_labels.tif, with 32 bits if needed; of a large image a pyramid
                      and for annotation tools, each in a folder of its name:
${toolHelp(22)}
  --output DIR        folder to write to (default runs/predict)
  --recursive         search the subfolders of each FOLDER too, and write to the same subfolders of DIR; links to
                      folders are not followed
  --shard K/N         take part K of N of the images and write to DIR/part-K-of-N, so that N processes or machines share
                      the work; under torchrun, Slurm and mpirun each process takes its own part by itself.
                      \`maskrcnn join DIR\` then makes one of them
  --overwrite         replace files of earlier predictions, or of yours, in the folder of the images; elsewhere they
                      always are
  --max-detections N  keep at most this many objects per image
  --tiles N           cut each image into tiles of N × N pixels, and join the objects that tiles cut: for images larger
                      than the network takes; --max-detections then counts in each tile
  --overlap N         pixels that neighbouring tiles share, up to half of --tiles (default 128, but at most that)
  --skip-blank N      leave out tiles whose values differ by at most N, 0..255; or glass: tiles that are empty glass of
                      a slide in bright field
${LEVEL_HELP}
  --resume            go on where a run before has stopped, with the same options: with --shard after the images that
                      are done, with --tiles within large images
  --views N           test-time augmentation: average over 1, 2 or 4 mirrored views of each image (default 1)
  --order doubt       the most doubtful image first, in all that is written of several images, and NAME.json with its
                      doubt, 0..1, as doubt.csv, images.json and the data of Label Studio's tasks have it: to correct
                      first what is worth most. The network predicts on 2 mirrored views of each image, or 4 with
                      --views 4, and doubt is how much they differ; so this takes 3 times as long
  --on-top RULE       which object gets a pixel of NAME_labels.png that several cover (default better):
                      better: the one with the higher score; objects of which less than half stays visible are left
                      out, as probable duplicates
                      smaller: the one with the smaller area; objects are left out only if nothing of them is visible
  --microns-per-pixel N
                      length of a pixel's side in µm: objects.csv then has lengths and areas in µm and µm², too
  --overlay-format F  format of the overlays: png, jpeg or webp (default png)
  --overlay-quality N quality of JPEG and WebP, 1..100 (default 90)
  --overlay-scale N   factor that enlarges the overlays, or auto: images whose longer side has less than 480 pixels are
                      enlarged to at least that; 1 keeps the size (default auto)
${DEVICE_HELP}

How image files are read. Default: as in training, which weights saved by training say.

${pixelsHelp()}

With --tiles, images of more than 4096 × 4096 pixels, and all with --level or --pixel-size, are read region by region.
They are written as ${LARGE_FORMATS.join(', ')}; and at full resolution
for annotation tools. Objects are on the disk as they are found, in NAME.tiles.
The overlay is a reduced picture with outlines. GeoJSON is in pixels of the largest level, the other formats in those of
the level that is read.

Annotation tools show the objects to correct them. Images are not written again: LabelMe's files say where they are, and
other tools are told by their folder. What a format cannot hold is told at the end. \`maskrcnn convert-data\` writes whole
data sets in these formats.

An object has the same id everywhere: in NAME.json and objects.csv, as its value in NAME_labels.png, and as #1, #2, ...
on the overlay. In results.json the objects of an image are in the order of their ids. NAME.json lists the objects that
have no pixel in NAME_labels.png, because others cover them: "labels": {"onTop": "better", "missing": [3, 4]}.

NAME is the name of the image. If another image already has files of that name, it is NAME-2, NAME-3, ... Input images
are never overwritten. A new overlay replaces one in another format, if NAME.json says that it is of an earlier
prediction on the same image. Files called NAME_overlay.png (.jpg, .webp) or NAME_labels.png are never read, so that a
folder may hold earlier results. In a FOLDER, pictures of a run and NAME_mask or NAME_anno beside NAME are left out too.

For an image without objects the best score below the threshold is told, which takes a second look at the image, but
not with --tiles. An image that cannot be read, or has more objects than NAME_labels.png holds, is reported and skipped,
and the command exits with code 1.

  maskrcnn predict runs/train/best.safetensors scans/ --score-threshold 0.7
  maskrcnn predict runs/train/best.safetensors scans/ --recursive --overlay-format jpeg
  maskrcnn predict runs/train/best.safetensors scans/ --tiles 1024 --overlap 128 --save json,csv
  maskrcnn predict runs/train/best.safetensors scans/ --order doubt --save label-studio
  maskrcnn predict COCO_V1 'photos/*.jpg' --save overlay,coco --output found
  maskrcnn predict runs/train/best.safetensors scans/ --shard 1/2
  maskrcnn predict runs/train/best.safetensors scans/ --shard 2/2`;
