/** @module maskrcnn */
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
export {type ErrorCode, type ErrorDetails, MaskRcnnError} from './basics/errors.js';
export type {Random, RandomState} from './basics/random.js';
export {AnnotatedImages} from './datasets/annotated/annotated-images.js';
export type {AnnotatedOptions, AnnotatedStats} from './datasets/annotated/annotated-options.js';
export type {AnnotatedImage, AnnotatedObject, Part, Ring} from './datasets/annotated/annotations.js';
export type {CocoImage} from './datasets/coco/annotation-index.js';
export {Coco} from './datasets/coco/coco.js';
export type {CocoOptions} from './datasets/coco/coco-options.js';
export type {CocoStats} from './datasets/coco/coco-parts.js';
export type {Dataset, Instance, InstanceMask, PlacedObject, Sample, TrueObject} from './datasets/dataset.js';
export type {Grade} from './datasets/grades.js';
export {type Inspection, type InspectOptions, inspect} from './datasets/inspect.js';
export type {ClassBalance} from './datasets/inspection/class-balance.js';
export {describeInspection} from './datasets/inspection/describe-inspection.js';
export type {TrainingSizes} from './datasets/inspection/object-sizes.js';
export {
  describeSplits,
  type InspectSplitsOptions,
  inspectSplits,
  type SharedPixels,
  type SplitsInspection,
} from './datasets/inspection/splits.js';
export type {Spread} from './datasets/inspection/spread.js';
export {MaskFolder, type MaskFolderFile, type MaskFolderStats, type SplitOptions} from './datasets/mask-folder.js';
export type {MaskFolderOptions} from './datasets/mask-folder-options.js';
export {type OpenDatasetOptions, openDataset} from './datasets/open-dataset.js';
export {
  folds,
  type GroupOptions,
  type StratifiedOptions,
  split,
  type TestAlone,
  type ThreeWay,
} from './datasets/split.js';
export type {StoredSummary, StoredType} from './datasets/stored-summary.js';
export {subset} from './datasets/subset.js';
export type {SuspectObjects, Suspects} from './datasets/suspects.js';
export {type VocOptions, VocSegmentation} from './datasets/voc-segmentation.js';
export type {DistributedOptions} from './distributed/options.js';
export {
  type ConfusionMatrixOptions,
  confusionMatrixPng,
  confusionMatrixSvg,
} from './draw/confusion-matrix.js';
export {type DrawableDetections, type DrawOptions, drawDetections, drawInstances} from './draw/overlay.js';
export type {PictureFormat, PictureOptions} from './draw/picture-format.js';
export {
  type PrecisionRecallCurve,
  type PrecisionRecallOptions,
  precisionRecallPng,
  precisionRecallSvg,
} from './draw/precision-recall.js';
export {drawSideBySide, type SideBySideOptions} from './draw/side-by-side.js';
export type {Interval} from './evaluation/bootstrap.js';
export type {CocoEvaluation, CocoMatches, CocoScores, CocoSummary, PrecisionRecall} from './evaluation/coco-scores.js';
export {
  type ComparedScore,
  type CompareOptions,
  compareEvaluations,
  type EvaluationComparison,
  type NamedEvaluation,
} from './evaluation/compare-evaluations.js';
export type {ClassCount, CountErrors, CountSummary} from './evaluation/count-errors.js';
export {type EvaluateOptions, evaluate} from './evaluation/evaluate.js';
export {type EvaluateResultsOptions, evaluateResults, type ResultsEvaluation} from './evaluation/evaluate-results.js';
export type {Evaluation, EvaluationDetails, ImageScores} from './evaluation/evaluation.js';
export type {NucleiScores, NucleiSummary} from './evaluation/nucleus-scores.js';
export type {ObjectScores, ObjectSummary} from './evaluation/object-scores.js';
export type {PixelScores, PixelSummary} from './evaluation/pixel-scores.js';
export type {ConfusionMatrix} from './evaluation/scored-data.js';
export type {DetectionScores, ObjectTally} from './evaluation/true-positives.js';
export {type Conversion, type ConvertOptions, convertDataset} from './export/convert-dataset.js';
export type {Segmentation} from './export/format.js';
export type {ExportFormatName} from './export/formats.js';
export {describeLoss, type Loss, type LossKind} from './export/losses.js';
export {writeTilesGeoJson} from './export/tiles-geojson.js';
export {type TilesLabelsOptions, writeTilesLabels} from './export/tiles-labels.js';
export {type WriteDetectionsOptions, writeDetections} from './export/write-detections.js';
export type {FileNotice} from './image/notices.js';
export type {PixelOptions, PixelRange} from './image/pixel-options.js';
export type {ImageSource, RawImage, ReadImageOptions} from './image/read-image.js';
export {readImage} from './image/read-image.js';
export type {IdMask} from './image/read-mask.js';
export {readMask} from './image/read-mask.js';
export {type BlankOptions, isBlank} from './image/regions/blank.js';
export {regionsOfImage} from './image/regions/image-regions.js';
export type {LargeImage, LevelOptions} from './image/regions/large-image.js';
export {type ImageLevels, type OpenRegionsOptions, openRegions, readLevels} from './image/regions/open-regions.js';
export type {Rect, RegionSource, TileSource} from './image/regions/region-source.js';
export type {RgbImage, StoredPixels} from './image/rgb-image.js';
export type {SampleType} from './image/samples.js';
export type {StackSize} from './image/stack.js';
export {type MaskPolygon, type MaskPolygonsOptions, maskPolygons} from './masks/outlines.js';
export type {OnTop} from './masks/paint-labels.js';
export {type PlacedMask, wholeImageRle} from './masks/placed-mask.js';
export {decodeRle, type Rle} from './masks/rle.js';
export {
  encodeRle,
  mergeRles,
  rleAreas,
  rleBoxes,
  rleFromPolygons,
  rleFromRuns,
  rleIou,
  rleToRuns,
} from './masks/rle-operations.js';
export type {IntensityImage, IntensitySource} from './measure/intensity-image.js';
export {type MeasureOptions, measure} from './measure/measure.js';
export {type MeasurableObject, type MeasureTilesOptions, measureTiles} from './measure/measure-tiles.js';
export type {ObjectMeasurements, ShapeMeasurements} from './measure/measurements.js';
export {type ClassifiedImage, countsCsv, type MeasuredImage, objectsCsv} from './measure/tables.js';
export {maskRcnn} from './model/create.js';
export type {Detections, MaskFormat, Masks} from './model/detections.js';
export {type DetectionsJson, detectionsToJson} from './model/detections-json.js';
export {type DetectionLabels, detectionsToLabels, type LabelsOptions} from './model/detections-labels.js';
export {type DoubtOptions, doubt} from './model/doubt.js';
export type {DType, MaskRcnn, ParameterInfo, StateDict, StateTensor} from './model/model.js';
export type {BackboneName, ModelOptions, ResolvedModelOptions, RoiPoolOptions} from './model/options.js';
export type {PredictOptions, Views} from './model/predict-options.js';
export type {CutOptions} from './model/tiles/cut-options.js';
export {detectionsOfTiles} from './model/tiles/detections-of-tiles.js';
export type {TileOptions, TilePredictor} from './model/tiles/options.js';
export type {PredictTilesOptions} from './model/tiles/predict-images.js';
export {predictTiles} from './model/tiles/predict-tiles.js';
export type {TileProgress} from './model/tiles/tile-progress.js';
export type {TileState} from './model/tiles/tile-state.js';
export type {TiledObject} from './model/tiles/tiled-object.js';
export {exportOnnx, type OnnxExport} from './onnx/export-onnx.js';
export type {ExportOnnxOptions} from './onnx/options.js';
export type {OnnxInput, OnnxMasks} from './onnx-runtime/file-metadata.js';
export {describeComparison} from './report/describe-comparison.js';
export {describeClasses, describeEvaluation} from './report/describe-evaluation.js';
export {writeComparison} from './report/write-comparison.js';
export {type WriteEvaluationOptions, writeEvaluation} from './report/write-evaluation.js';
export {type ReportOptions, writeReport} from './report/write-report.js';
export type {BestBy} from './run/best.js';
export type {EpochRecord, History, Losses, StepRecord} from './run/history.js';
export {lossCurvePng, lossCurveSvg} from './run/loss-curves.js';
export {metricCurvePng, metricCurveSvg} from './run/metric-curves.js';
export type {ServeOptions} from './serve/options.js';
export {type PredictionServer, serve} from './serve/serve.js';
export type {TilesOptions} from './tiles/options.js';
export type {TiledDataset, TilePlace, TilesStats} from './tiles/tiled-dataset.js';
export {tiles} from './tiles/tiles.js';
export {aspectRatioGroups} from './train/aspect-ratio-groups.js';
export type {OptimizerOptions, TrainOptions} from './train/options.js';
export type {ScheduleOptions} from './train/schedule.js';
export {type Run, train} from './train/train.js';
export type {Ending} from './train/trainer.js';
