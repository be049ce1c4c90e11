#pragma once

#include <cstdint>
#include <vector>

#include "masks/rle.h"

namespace maskrcnn::ops {

// The outlines of a mask: polygons, each of an outer ring and its holes.
struct Outlines {
  std::vector<int32_t> points;    // alternating x and y of the rings' corners, in pixels
  std::vector<int32_t> ends;      // of each ring in `points`
  std::vector<int32_t> polygons;  // of each polygon in `ends`; its first ring is the outer one
};

// Follows the edges of the pixels: pixel (column, row) covers [column, column + 1] x [row, row +
// 1]. Each part of the mask whose pixels are connected by their sides (4-connectivity) is one
// polygon, in column-major order of the parts' first pixels. Its holes are in the order of their
// first corners, also by columns. Consecutive points are corners, so no three of them are on a
// line. With y downwards, outer rings are clockwise and holes are counter-clockwise. No ring
// touches itself. Rings of one part can touch each other at corners of pixels.
//
// Rings are then simplified with `tolerance`: see simplify.h. 0 leaves them as they are.
Outlines outlines_of(const Runs& runs, double tolerance);

}  // namespace maskrcnn::ops
