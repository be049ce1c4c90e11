import {exportOnnx} from '../../onnx/export-onnx.js';
import {EXPORT_ONNX, type ExportOnnxOptions} from '../../onnx/options.js';
import {weightsAt} from '../../weights/run-weights.js';
import type {Command} from '../command.js';
import {docComments, optionHelp} from '../option-help.js';

export const exportCommand: Command = {
  name: 'export',
  summary: 'Write weights as an ONNX file, which runs in browsers and anywhere',
  help: () => `Usage: maskrcnn export WEIGHTS FILE.onnx [OPTIONS]

Writes a network as one ONNX file: image of any size in, boxes, labels, scores and masks out, in pixels of the image.
Neither libtorch nor Python is needed, to write it or to run it. maskrcnn/onnx runs it in Node.js and in browsers.

${optionHelp(EXPORT_ONNX, docComments('onnx/options', 'ExportOnnxOptions'))}

  maskrcnn export runs/train model.onnx
  maskrcnn export runs/train/best.safetensors small.onnx --half --masks box`,
  options: EXPORT_ONNX,
  takes: {min: 2, max: 2, expected: 'WEIGHTS and FILE.onnx'},
  async run(options, positionals, {out, signal}) {
    const [given, to] = positionals as [string, string];
    const {file, note} = await weightsAt(given);
    if (note !== undefined) out(note);
    const {bytes, opset, input, masks, classes, notices} = await exportOnnx(file, to, {
      ...(options as ExportOnnxOptions),
      signal,
    });
    for (const notice of notices) out(notice);
    out(
      `${to}: ${(bytes / 1e6).toFixed(1)} MB, opset ${opset}, ${input} image, masks: ${masks}, classes: ${classes.join(', ')}.`,
    );
  },
};
