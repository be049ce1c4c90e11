#pragma once

#include <vector>

#include "aten.h"
#include "masks/mask_targets.h"
#include "model/options.h"

namespace maskrcnn {

// Letters: G instances of an image, D detections, K classes including the background, M side of a
// mask.

// The ground truth of one image. The transform resizes the boxes together with the image; the masks
// stay cropped and unresized.
struct Target {
  at::Tensor boxes;   // [G,4] f32: x0, y0, x1, y1 in pixels of the network's input
  at::Tensor labels;  // [G] i64: 1..K-1
  // In pixels of the original image. An instance of which only the box is known has a rectangle of
  // 0 x 0 pixels.
  ops::CroppedMasks masks;
  ImageSize original;
  ImageSize resized;
};

// The detections of one image, in descending order of score.
struct Detections {
  at::Tensor boxes;   // [D,4] f32
  at::Tensor labels;  // [D] i64
  at::Tensor scores;  // [D] f32
  at::Tensor
      masks;  // [D,M,M] f32: probabilities within the box; undefined if masks were not requested
};

}  // namespace maskrcnn
