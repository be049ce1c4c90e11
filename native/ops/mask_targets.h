#pragma once

#include <ATen/core/Tensor.h>

namespace maskrcnn::ops {

// Letters: G objects, R rois, M side of the mask head's output.

// The objects' bitmaps (1 = object, 0 = not), each cropped to a rectangle of its image.
struct CroppedMasks {
  at::Tensor rects;  // [G,4] int32: left, top, width, height; pixels of the original image
  at::Tensor data;   // uint8: bitmap after bitmap, each in reading order
};

// What the mask head shall predict for each box, 0..1: torchvision's project_masks_on_boxes, that
// is, the mask of object matched[r], resized with the image by nearest neighbour and pooled by
// ROIAlign (adaptive sampling). The resized masks are never made: every sample looks up its pixel
// in the crop. float32; a box that is not finite gives NaN. All tensors are on the CPU.
at::Tensor mask_targets(
    const CroppedMasks& masks,
    int64_t height,
    int64_t width,  // of the original image
    int64_t resized_height,
    int64_t resized_width,
    const at::Tensor& boxes,    // [R,4], pixels of the resized image
    const at::Tensor& matched,  // [R] int64
    int64_t side);              // [R,M,M]

}  // namespace maskrcnn::ops
