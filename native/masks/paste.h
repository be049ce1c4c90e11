#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace maskrcnn::ops {

// Letters: D detections, M side of the mask head's output.

// The probabilities of a detection over the part of its box that is inside the image, in row-major
// order. The probability is 0 elsewhere. Width and height are 0 if no part is inside.
struct PastedMask {
  int64_t left, top, width, height;  // pixels of the image
  std::vector<float> values;         // width * height
};

// Stretches each mask over its box, as torchvision's paste_masks_in_image does: pads the mask with
// a border of zeros, widens the box by the same ratio and truncates it to whole pixels, then
// interpolates bilinearly. The boxes must be finite.
std::vector<PastedMask> paste_masks(
    const at::Tensor& masks,  // [D,M,M] float32, 0..1
    const at::Tensor& boxes,  // [D,4] float32, pixels of the image
    int64_t height,
    int64_t width);

// The pixels of that part whose probability is at least a threshold.
struct PastedBitmap {
  int64_t left, top, width, height;  // pixels of the image
  std::vector<uint8_t> pixels;       // width * height: 0 or 1
};

// paste_masks() with a threshold, for one mask, in a quarter of the memory or less.
PastedBitmap paste_bitmap(
    const at::Tensor& mask,  // [1,M,M] float32, 0..1
    const at::Tensor& box,   // [1,4] float32, pixels of the image
    int64_t height,
    int64_t width,
    float threshold);

}  // namespace maskrcnn::ops
