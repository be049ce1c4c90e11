#pragma once

#include <cstdint>

#include "ops/rle.h"

namespace maskrcnn::ops {

// The mask of a closed polygon, run for run that of cocoapi's rleFrPoly (common/maskApi.c): its
// outline is rounded to fifths of a pixel, and a pixel is inside if its centre is. Parts outside of
// the image are cut off. Throws c10::Error unless there are three points or more, all finite and
// within 2^20 pixels.
Runs runs_of_polygon(
    const double* points,  // x and y in turn, in pixels, 0 being the image's border
    int64_t count,         // of points
    int64_t width,
    int64_t height);

}  // namespace maskrcnn::ops
