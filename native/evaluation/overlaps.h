#pragma once

#include <cstdint>
#include <vector>

#include "masks/rle.h"

namespace maskrcnn::evaluation {

// Intersection over union of each detection with each ground-truth object. For a crowd region, the
// intersection is divided by the detection's own area instead. Equal to cocoapi to the last bit
// (common/maskApi.c). Letters: D detections, G ground-truth objects.

// The overlap of a detection with one of the objects.
struct Overlap {
  size_t truth;  // 0..G-1
  double value;
};

// For each detection its overlaps of at least a given value, in the order of the objects. Most
// objects of an image do not meet, so that there are few: the matrix of all pairs would need
// gigabytes for some thousand objects on each of many images.
using Overlaps = std::vector<std::vector<Overlap>>;  // [D]

// Boxes as left, top, width, height.
Overlaps box_overlaps(
    const std::vector<const double*>& detected,  // [D]
    const std::vector<const double*>& truth,     // [G]
    const uint8_t* crowd,                        // [G]
    double least);

Overlaps mask_overlaps(
    const std::vector<ops::Runs>& detected,
    const std::vector<ops::Runs>& truth,
    const uint8_t* crowd,  // [G]
    double least);

// The masks of `others` with which each of `masks` shares pixels, and how many. All are of one
// size.
Overlaps shared_pixels(const std::vector<ops::Runs>& masks, const std::vector<ops::Runs>& others);

}  // namespace maskrcnn::evaluation
