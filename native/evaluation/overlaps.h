#pragma once

#include <cstdint>
#include <vector>

#include "ops/rle.h"

namespace maskrcnn::evaluation {

// Intersection over union of each detection with each true object; over the detection's own area
// where the true one is a crowd. To the last bit those of cocoapi (common/maskApi.c). Letters: D
// detections, G true objects.

// Boxes as left, top, width, height.
std::vector<double> box_overlaps(                // [D,G]
    const std::vector<const double*>& detected,  // [D]
    const std::vector<const double*>& truth,     // [G]
    const uint8_t* crowd);                       // [G]

std::vector<double> mask_overlaps(  // [D,G]
    const std::vector<ops::Runs>& detected,
    const std::vector<ops::Runs>& truth,
    const uint8_t* crowd);  // [G]

}  // namespace maskrcnn::evaluation
