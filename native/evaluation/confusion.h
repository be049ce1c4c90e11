#pragma once

#include <cstdint>
#include <vector>

#include "evaluation/objects.h"

namespace maskrcnn::evaluation {

struct ConfusionOptions {
  Shape shape;
  double iou_threshold;    // a match needs at least this IoU
  double score_threshold;  // detections count above this score
};

// How often objects of one class were detected as another class. The last row has the detections
// without an object, the last column the objects without a detection. Pairs are matched per image
// in descending order of overlap, regardless of their classes. An unmatched detection on a crowd
// region does not count.
std::vector<int32_t> confusion_matrix(  // [K+1,K+1] true class, detected class
    const DataSet& data,
    const ConfusionOptions& options);

}  // namespace maskrcnn::evaluation
