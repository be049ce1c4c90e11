import {count} from '../../basics/wording.js';
import {readWeights} from '../../weights/read-weights.js';
import {requireNoState, weightsAt} from '../../weights/run-weights.js';
import {writeWeights} from '../../weights/write-weights.js';
import type {Command} from '../command.js';

export const convert: Command = {
  name: 'convert',
  summary: 'Convert weights from .pth to .safetensors, or back',
  help: () => `Usage: maskrcnn convert FROM TO

Reads weights in any format that maskrcnn supports: .safetensors, or .pth in either container format. It detects the
format from the content of FROM, not from its name. The extension of TO selects the output format: .safetensors, .pth
or .pt. Names, shapes and values stay the same. The folder of a run as FROM means its best.safetensors. Reading a pickle never executes code from it.

  maskrcnn convert runs/train/best.safetensors best.pth
  maskrcnn convert maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth coco.safetensors`,
  options: {},
  takes: {min: 2, max: 2, expected: 'FROM and TO'},
  async run(_, positionals, {out, signal}) {
    const [given, to] = positionals as [string, string];
    const {file: from, note} = await weightsAt(given);
    const {tensors, metadata, notes} = await readWeights(from, {signal});
    await requireNoState(from, metadata);
    if (note !== undefined) out(note);
    for (const note of notes) out(`${from}: ${note}.`);
    await writeWeights(to, tensors, metadata);
    out(`${to}: ${count(tensors.size, 'tensor')}.`);
  },
};
