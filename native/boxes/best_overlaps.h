#pragma once

#include <cstdint>
#include <vector>

#include "aten.h"

namespace maskrcnn {

// Letters: G instances, R boxes.

// What matching needs to know of the IoU of all G x R pairs.
struct BestOverlaps {
  std::vector<float> iou;         // [R] the highest IoU of each box
  std::vector<int64_t> instance;  // [R] the first instance that has it
  // [R] whether no box has a higher IoU with one of the instances. Empty if it was not asked for.
  std::vector<uint8_t> is_a_highest;
};

// The values and ties are those of box_iou() and libtorch's max(), to the bit and with NaN, for any
// number of threads. The pairs are computed in blocks of boxes and never stored. Both tensors are
// float32 on the CPU, and G > 0.
BestOverlaps best_overlaps(
    const at::Tensor& instances,  // [G,4]
    const at::Tensor& boxes,      // [R,4]
    bool with_highest);

}  // namespace maskrcnn
