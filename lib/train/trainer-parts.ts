import type {ProcessGroup} from '../distributed/process-group.js';
import type {FileNotice} from '../image/notices.js';
import type {MaskRcnn} from '../model/model.js';
import type {History} from '../run/history.js';
import type {RunFolder} from '../run/run-folder.js';
import type {Conditions} from './conditions.js';
import type {Loader} from './loader.js';
import type {TrainLog} from './log.js';
import type {ResolvedTrainOptions, TrainOptions} from './options.js';
import type {TrainingState} from './state.js';

/** The inputs and outputs of a run. */
export type TrainerParts = {
  model: MaskRcnn;
  given: TrainOptions;
  options: ResolvedTrainOptions;
  loader: Loader;
  /** Undefined in a process of a group that is not rank 0, which writes nothing. */
  folder: RunFolder | undefined;
  /** What the run that is resumed has left; empty for a new run. */
  history: History;
  /** The processes that train together. */
  group: ProcessGroup | undefined;
  log: TrainLog;
  /** Takes what was left out of the files of each sample. */
  tellFiles: (notices: readonly FileNotice[]) => void;
  conditions: Conditions;
  /** The state to resume from; undefined for a new run. */
  state: TrainingState | undefined;
};
