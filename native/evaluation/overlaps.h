#pragma once

#include <cstdint>
#include <vector>

#include "ops/rle.h"

namespace maskrcnn::evaluation {

// Intersection over union of each detection with each ground-truth object. For a crowd region, the
// intersection is divided by the detection's own area instead. Equal to cocoapi to the last bit
// (common/maskApi.c). Letters: D detections, G ground-truth objects.

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
