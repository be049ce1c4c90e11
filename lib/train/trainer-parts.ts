import type {MaskRcnn} from '../model/model.js';
import type {RunFolder} from '../run/run-folder.js';
import type {Loader} from './loader.js';
import type {TrainLog} from './log.js';
import type {ResolvedTrainOptions, TrainOptions} from './options.js';
import type {TrainingState} from './state.js';

/** What a run works with and writes to. */
export type TrainerParts = {
  model: MaskRcnn;
  given: TrainOptions;
  options: ResolvedTrainOptions;
  loader: Loader;
  folder: RunFolder;
  log: TrainLog;
  /** Where the run goes on; undefined: it begins. */
  state: TrainingState | undefined;
};
