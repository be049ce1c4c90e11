#pragma once

#include <cstdint>

#include "ops/rle.h"

namespace maskrcnn::ops {

// The mask of a closed polygon, with the same runs as cocoapi's rleFrPoly (common/maskApi.c). The
// outline is rounded to fifths of a pixel, and a pixel is inside if its centre is. Parts outside
// the image are cut off. Throws c10::Error unless there are at least three points, all finite and
// within 2^20 pixels.
Runs runs_of_polygon(
    const double* points,  // alternating x and y, in pixels; 0 is the border of the image
    int64_t count,         // number of points
    int64_t width,
    int64_t height);

}  // namespace maskrcnn::ops
