#pragma once

#include <cstdint>
#include <vector>

#include "masks/rle.h"

namespace maskrcnn::ops {

// The mask of a polygon: its outline and its holes, all closed rings. For one ring the runs are the
// same as those of cocoapi's rleFrPoly (common/maskApi.c). The rings are rounded to fifths of a
// pixel, and a pixel belongs to the mask if its centre, rounded likewise, lies in an odd number of
// them. Parts outside the image are cut off. Throws c10::Error unless each ring has at least three
// points, all finite and within 2^20 pixels.
Runs runs_of_rings(
    const double* points,              // alternating x and y, in pixels; 0 is the image's border
    const std::vector<int32_t>& ends,  // of each ring in `points`
    int64_t width,
    int64_t height);

}  // namespace maskrcnn::ops
