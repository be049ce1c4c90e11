export {type AffineOptions, type ElasticOptions, elastic, randomAffine} from './augment/affine.js';
export {type Augmentation, type AugmentContext, compose} from './augment/augmentation.js';
export {type ColorJitterOptions, colorJitter, type StainJitterOptions, stainJitter} from './augment/color.js';
export {type CopyPasteOptions, copyPaste} from './augment/copy-paste.js';
export {type CropOptions, randomCrop} from './augment/crop.js';
export {flipHorizontal, flipVertical, randomHorizontalFlip, randomVerticalFlip} from './augment/flip.js';
export type {AugmentName} from './augment/presets.js';
export {randomRotate90} from './augment/rotate90.js';
export {type ScaleJitterOptions, scaleJitter} from './augment/scale-jitter.js';
export type {Border} from './augment/warp.js';
export type {CocoImage} from './coco/annotation-index.js';
export {Coco, type CocoOptions, type CocoStats} from './coco/coco.js';
export {maskRcnn} from './create-model.js';
export {aspectRatioGroups} from './datasets/aspect-ratio-groups.js';
export type {Grade} from './datasets/grades.js';
export {describeInspection, type Inspection, type InspectOptions, inspect, type Spread} from './datasets/inspect.js';
export {
  MaskFolder,
  type MaskFolderFile,
  type MaskFolderOptions,
  type MaskFolderStats,
  type SplitOptions,
} from './datasets/mask-folder.js';
export type {Dataset, Instance, InstanceMask, Sample, TrueObject} from './datasets/sample.js';
export {split, subset} from './datasets/split.js';
export {type VocOptions, VocSegmentation} from './datasets/voc-segmentation.js';
export {type DetectionsJson, detectionsToJson} from './detections-json.js';
export {type ErrorCode, type ErrorDetails, MaskRcnnError} from './errors.js';
export {
  type EvaluateOptions,
  type Evaluation,
  type EvaluationDetails,
  evaluate,
  type ImageScores,
} from './evaluate.js';
export {type EvaluateResultsOptions, evaluateResults, type ResultsEvaluation} from './evaluate-results.js';
export type {EpochRecord, History, Losses, StepRecord} from './history.js';
export type {IdMask, ImageSource, RawImage, ReadImageOptions, RgbImage} from './image.js';
export {readImage, readMask} from './image.js';
export type {CocoEvaluation, CocoScores, CocoSummary, PrecisionRecall} from './metrics/coco.js';
export type {NucleiScores, NucleiSummary} from './metrics/nuclei.js';
export type {ObjectScores, ObjectSummary} from './metrics/objects.js';
export type {PixelScores, PixelSummary} from './metrics/pixel.js';
export type {DType, MaskRcnn, ParameterInfo, StateDict, StateTensor} from './model.js';
export type {BackboneName, ModelOptions, ResolvedModelOptions, RoiPoolOptions} from './model-options.js';
export type {Detections, MaskFormat, Masks, PredictOptions, Views} from './predict.js';
export type {Random, RandomState} from './random.js';
export {
  type ConfusionMatrix,
  type ConfusionMatrixOptions,
  confusionMatrixPng,
  confusionMatrixSvg,
} from './report/confusion-matrix.js';
export {lossCurvePng, lossCurveSvg} from './report/curves.js';
export {describeClasses, describeEvaluation} from './report/describe-evaluation.js';
export {metricCurvePng, metricCurveSvg} from './report/metric-curves.js';
export {type DrawableDetections, type DrawOptions, drawDetections, drawInstances} from './report/overlay.js';
export {
  type PrecisionRecallCurve,
  type PrecisionRecallOptions,
  precisionRecallPng,
  precisionRecallSvg,
} from './report/precision-recall.js';
export {drawSideBySide, type SideBySideOptions} from './report/side-by-side.js';
export {type WriteEvaluationOptions, writeEvaluation} from './report/write-evaluation.js';
export {type ReportOptions, writeReport} from './report/write-report.js';
export {decodeRle, type Rle} from './rle.js';
export {
  encodeRle,
  mergeRles,
  rleAreas,
  rleBoxes,
  rleFromPolygons,
  rleFromRuns,
  rleIou,
  rleToRuns,
} from './rle-operations.js';
export type {BestBy, OptimizerOptions, TrainOptions} from './train/options.js';
export type {ScheduleOptions} from './train/schedule.js';
export type {Ending} from './train/trainer.js';
export {type Run, train} from './train.js';
