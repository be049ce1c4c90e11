#pragma once

#include <ATen/core/Tensor.h>

namespace maskrcnn::ops {

// Letters: G objects, R rois, M side of the mask head's output.

// The bitmaps of the objects (1 = object, 0 = background), each cropped to a rectangle of its
// image.
struct CroppedMasks {
  at::Tensor rects;  // [G,4] int32: left, top, width, height; pixels of the original image
  at::Tensor data;   // uint8: the bitmaps one after the other, each in row-major order
};

// The mask head's target for each box, 0..1. Same as torchvision's project_masks_on_boxes: resizes
// the mask of object matched[r] with the image by nearest neighbour, then pools it by ROIAlign with
// adaptive sampling. The resized masks are never built: each sample reads its pixel from the crop.
// The result is float32. A box that is not finite gives NaN. All tensors are on the CPU.
at::Tensor mask_targets(
    const CroppedMasks& masks,
    int64_t height,
    int64_t width,  // of the original image
    int64_t resized_height,
    int64_t resized_width,
    const at::Tensor& boxes,    // [R,4], pixels of the resized image
    const at::Tensor& matched,  // [R] int64
    int64_t side);              // result [R,M,M]

}  // namespace maskrcnn::ops
