/**
 * Globals that the partial examples in the documents assume. This file is loaded before each example, and the compiler
 * knows it when it checks them.
 */

import type {Dataset, Instance, MaskRcnn, TrainOptions} from 'maskrcnn';
import * as maskrcnn from 'maskrcnn';
import {blobSample, blobs, tinyModel} from '../tiny.js';

declare global {
  var files: string[];
  var readMyImage: (file: string) => Promise<{data: Uint8Array; width: number; height: number}>;
  var readMyMasks: (file: string) => Promise<Instance[]>;
  var train: typeof maskrcnn.train;
  var model: MaskRcnn;
  var data: Dataset;
  var options: TrainOptions;
}

globalThis.files = ['a.png', 'b.png'];
globalThis.readMyImage = async () => blobSample(1).image;
globalThis.readMyMasks = async () => blobSample(1).instances;
globalThis.train = maskrcnn.train;
globalThis.data = blobs(4);
globalThis.options = {data: globalThis.data, epochs: 1, log: 'silent'};
globalThis.model = await maskrcnn.maskRcnn(tinyModel);
