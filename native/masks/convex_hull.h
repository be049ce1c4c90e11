#pragma once

#include <cstdint>
#include <vector>

#include "masks/run_columns.h"

namespace maskrcnn::ops {

// The convex hull of an object on the grid of pixels, as scikit-image has it (convex_hull_image): a
// pixel stands for the middles of its four sides, and the hull image has all pixels whose centres
// are in the hull of these points or on its border. The object must have pixels.
struct ConvexHull {
  int64_t area;               // of the hull image, in pixels
  double feret_diameter_max;  // the largest distance between middles of sides of the hull image
};

ConvexHull convex_hull_of(const RunColumns& columns);

}  // namespace maskrcnn::ops
