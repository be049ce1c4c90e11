#pragma once

#include <cstdint>
#include <vector>

#include "evaluation/objects.h"

namespace maskrcnn::evaluation {

struct ConfusionOptions {
  Shape shape;
  double iou_threshold;    // from which a detection has found an object
  double score_threshold;  // above which a detection counts
};

// How often an object of one class was found as one of another; the last row is for detections
// without an object, the last column for objects without a detection. Pairs are made image by
// image by falling overlap, whatever their classes. Detections on a crowd do not count.
std::vector<int32_t> confusion_matrix(  // [K+1,K+1] true class, detected class
    const DataSet& data,
    const ConfusionOptions& options);

}  // namespace maskrcnn::evaluation
