#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "evaluation/objects.h"

namespace maskrcnn::evaluation {

// COCO's average precision, number for number that of pycocotools' COCOeval.

// Letters: T IoU thresholds, P recall points, A ranges of area, M limits of detections, K classes.

struct CocoOptions {
  Shape shape;
  std::vector<double> iou_thresholds;        // [T]
  std::vector<double> recall_points;         // [P] ascending
  std::vector<std::array<double, 2>> areas;  // [A] least and greatest area of a range, both inside
  std::vector<int64_t> limits;  // [M] ascending: best detections of an image and class that count
};

// -1 where a class has no object in a range of area.
struct CocoCurves {
  std::vector<double> precision;  // [T,P,K,A,M]
  std::vector<double> scores;     // [T,P,K,A,M] of the detection at which each recall is reached
  std::vector<double> recall;     // [T,K,A,M] the greatest
};

// What became of the best detections of one class on one image.
struct CellMatches {
  std::vector<double> scores;   // [D] falling
  std::vector<uint8_t> flags;   // [A,T,D] of kMatched and kIgnored
  std::vector<int64_t> wanted;  // [A] true objects that should be found
};

constexpr uint8_t kMatched = 1;
constexpr uint8_t kIgnored = 2;  // counts neither for nor against

// Assigns the detections of a cell, best first, each to the true object that it overlaps most.
CellMatches match_cell(const DataSet& data, Cell cell, const CocoOptions& options);

// Writes the curves of class `index` from its cells, in the order of the images.
void accumulate(
    const std::vector<CellMatches>& cells,
    int64_t index,
    int64_t classes,
    const CocoOptions& options,
    CocoCurves& curves);

// Uses libtorch's threads.
CocoCurves evaluate_coco(const DataSet& data, const CocoOptions& options);

}  // namespace maskrcnn::evaluation
