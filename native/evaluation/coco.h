#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "evaluation/objects.h"

namespace maskrcnn::evaluation {

// COCO's average precision. The numbers are identical to those of pycocotools' COCOeval.

// Letters: T IoU thresholds, P recall points, A area ranges, M limits of detections, K classes.

struct CocoOptions {
  Shape shape;
  std::vector<double> iou_thresholds;        // [T]
  std::vector<double> recall_points;         // [P] ascending
  std::vector<std::array<double, 2>> areas;  // [A] area ranges: smallest and largest, inclusive
  std::vector<int64_t> limits;  // [M] ascending: best detections that count per image and class
};

// The matches that the curves of the first area range and the last limit are made of, so that they
// can be made again for other choices of images. Class by class, then in the order of the images,
// then by descending score. Letters: D detections, C pairs of a class and an image with objects.
struct CocoMatches {
  std::vector<int32_t> images, classes;                // [D]
  std::vector<double> scores;                          // [D]
  std::vector<uint32_t> matched, ignored;              // [D] bit t for IoU threshold t
  std::vector<int32_t> wanted_images, wanted_classes;  // [C]
  std::vector<int32_t> wanted;                         // [C] number of objects that are not ignored
};

// A bit of CocoMatches for each threshold.
constexpr size_t kMostThresholds = 32;

// -1 if a class has no objects in an area range.
struct CocoCurves {
  std::vector<double> precision;  // [T,P,K,A,M]
  std::vector<double> scores;     // [T,P,K,A,M] of the detection at which the recall is reached
  std::vector<double> recall;     // [T,K,A,M] the maximum
  CocoMatches matches;
};

// The matches of the best detections of one class in one image.
struct CellMatches {
  std::vector<double> scores;   // [D] descending
  std::vector<uint8_t> flags;   // [A,T,D] combinations of kMatched and kIgnored
  std::vector<int64_t> wanted;  // [A] number of ground-truth objects that are not ignored
};

constexpr uint8_t kMatched = 1;
constexpr uint8_t kIgnored = 2;  // neither a true nor a false positive

// Matches the detections of a cell, best first, each to the ground-truth object that it overlaps
// most.
CellMatches match_cell(const DataSet& data, Cell cell, const CocoOptions& options);

// Writes the curves of class `index`. The cells are in the order of the images.
void accumulate(
    const std::vector<CellMatches>& cells,
    int64_t index,
    int64_t classes,
    const CocoOptions& options,
    CocoCurves& curves);

// Uses libtorch's threads.
CocoCurves evaluate_coco(const DataSet& data, const CocoOptions& options);

}  // namespace maskrcnn::evaluation
