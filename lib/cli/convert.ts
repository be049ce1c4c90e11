import {extname} from 'node:path';
import {MaskRcnnError} from '../errors.js';
import {readWeights} from '../weights/read-weights.js';
import {writePth} from '../weights/write-pth.js';
import {writeSafetensors} from '../weights/write-safetensors.js';
import type {Command} from './command.js';

export const convert: Command = {
  name: 'convert',
  summary: 'Turn weights from .pth into .safetensors, or back',
  help: `Usage: maskrcnn convert FROM TO

Reads weights in any form that maskrcnn reads (.pth of either container, .safetensors; what FROM holds decides, not its
name) and writes them as TO ends: .safetensors, .pth or .pt. Names, shapes and values stay. Pickles execute nothing.

  maskrcnn convert runs/train/best.safetensors best.pth
  maskrcnn convert maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth coco.safetensors`,
  options: {},
  async run(_, positionals, {out, signal}) {
    const [from, to, ...rest] = positionals;
    if (from === undefined || to === undefined || rest.length > 0) {
      throw new MaskRcnnError('INVALID_OPTION', `maskrcnn convert takes FROM and TO, got ${positionals.length} files.`);
    }
    const write = WRITERS[extname(to).toLowerCase()];
    if (write === undefined) {
      throw new MaskRcnnError('INVALID_OPTION', `TO must end in ${Object.keys(WRITERS).join(', ')}, got '${to}'.`);
    }
    const {tensors, metadata, notes} = await readWeights(from, {signal});
    for (const note of notes) out(`${from}: ${note}.`);
    await write(to, tensors, metadata);
    out(`${to}: ${tensors.size} tensors.`);
  },
};

const WRITERS: Readonly<Record<string, typeof writeSafetensors>> = {
  '.safetensors': writeSafetensors,
  '.pth': writePth,
  '.pt': writePth,
};
