#pragma once

#include "masks/run_columns.h"

namespace maskrcnn::ops {

// The length of an object's border, as scikit-image's `perimeter` with a neighbourhood of 4 gives
// it. A border pixel is one with a side to the background or the outside of the object's box. It
// counts as 1, sqrt(2) or (1 + sqrt(2)) / 2, by where its neighbours on the border are (Benkrid and
// Crookes, "Design and FPGA implementation of a perimeter estimator", 2000). Borders of holes
// count.
double perimeter_of(const RunColumns& columns);

}  // namespace maskrcnn::ops
