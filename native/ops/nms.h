#pragma once

#include <ATen/core/Tensor.h>

namespace maskrcnn::ops {

// Greedy non-maximum suppression (torchvision `nms`): visits the boxes by descending score and
// keeps a box unless its IoU with a kept box is above `iou_threshold`. Returns the indices of the
// kept boxes as int64, in descending order of score; equal scores keep the order of the boxes.
// Boxes are float32: x0, y0, x1, y1.
at::Tensor nms(
    const at::Tensor& boxes,   // [D,4]
    const at::Tensor& scores,  // [D]
    double iou_threshold);     // result [kept]

// The same within each group of equal `idxs` (torchvision `batched_nms`).
at::Tensor batched_nms(
    const at::Tensor& boxes,   // [D,4]
    const at::Tensor& scores,  // [D]
    const at::Tensor& idxs,    // [D] int64
    double iou_threshold);     // result [kept]

}  // namespace maskrcnn::ops
