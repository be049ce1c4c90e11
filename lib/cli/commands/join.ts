import {MaskRcnnError} from '../../basics/errors.js';
import {bool} from '../../basics/schema.js';
import {count} from '../../basics/wording.js';
import {describeLoss} from '../../export/losses.js';
import type {Command} from '../command.js';
import {openParts} from '../prediction/found-parts.js';
import {type Joined, joinParts} from '../prediction/join-parts.js';
import {incompleteNotice, overlayNotices} from '../prediction/predict-notices.js';
import {removePart} from '../prediction/remove-parts.js';

export const joinCommand: Command = {
  name: 'join',
  summary: 'Join the parts that `maskrcnn predict --shard` has written',
  help: () => `Usage: maskrcnn join DIR [OPTIONS]

DIR is the --output of \`maskrcnn predict --shard\`, with the folders part-1-of-N to part-N-of-N. The files of the images
are moved to DIR. Those of all images, such as results.json and objects.csv, are written anew, with the images in their
order. DIR then holds what one run without --shard would have written, and the folders of the parts are removed.

All parts must be finished, and made with the same weights, images and options. The error names those that are not. To
finish one, run its \`maskrcnn predict\` again with --resume. If this command is interrupted, run it again.

Images that failed, as those that cannot be read do, are told, and the command exits with code 1. What is there of the
others is joined all the same. The folders of the parts then stay: once the images are mended, run \`maskrcnn predict\`
with --resume, and join again.

  --overwrite         replace files of earlier predictions, or of yours, in the folder of the images; elsewhere they
                      always are

  maskrcnn join runs/predict`,
  options: {overwrite: bool},
  takes: {min: 1, max: 1, expected: 'one DIR'},
  async run({overwrite = false}, positionals, {out, progress, signal}) {
    const [folder] = positionals as [string];
    const parts = await openParts(folder);
    const {images, output} = parts[0]!.head;
    let joined: Joined;
    try {
      joined = await joinParts(folder, parts, {overwrite: overwrite as boolean, progress, signal});
    } finally {
      for (const part of parts) await part.close();
    }
    const {writer, failed, incomplete} = joined;
    for (const notice of overlayNotices(writer)) progress.say(notice);
    for (const {format, loss} of writer.losses) progress.say(describeLoss(format, loss));
    if (incomplete > 0) progress.say(incompleteNotice(incomplete, output.onTop));
    if (failed.length === 0) {
      for (const {folder: part, head} of parts) {
        if (!(await removePart(part, head))) progress.say(`Kept ${part}: it has other files, too.`);
      }
      return out(`Joined ${count(parts.length, 'part')} of ${count(images, 'image')}. Everything is in ${folder}.`);
    }
    for (const {failed: message} of failed) progress.say(`error: ${message}`);
    if (writer.added > 0) out(`The results of ${writer.added} of ${count(images, 'image')} are in ${folder}.`);
    throw new MaskRcnnError('INVALID_IMAGE', `${count(failed.length, 'image')} of ${images} failed.`);
  },
};
