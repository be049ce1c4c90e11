#pragma once

#include <vector>

#include "aten.h"
#include "boxes/generators.h"
#include "device/transfers.h"
#include "model/options.h"
#include "model/targets.h"

namespace maskrcnn {

struct ImageList {
  at::Tensor tensors;            // [N,3,H,W] f32, padded with zeros on the right and at the bottom
  std::vector<ImageSize> sizes;  // without padding
  ImageSize padded() const { return {tensors.size(2), tensors.size(3)}; }
};

// Converts images to the network's input: normalizes, resizes and batches them (torchvision
// detection/transform.py).
class Transform {
 public:
  explicit Transform(const TransformOptions& options);

  // images: [H,W,3] u8 each. For detection: uses the last size in min_size.
  ImageList forward(const std::vector<at::Tensor>& images, at::Device device) const;

  // For training: draws a size from min_size for each image. Resizes the targets' boxes too, and
  // uploads boxes and labels to the images' device.
  ImageList forward(
      const std::vector<at::Tensor>& images,
      std::vector<Target>& targets,
      at::Device device,
      Generators& generators) const;

 private:
  ImageSize resized(ImageSize original, int64_t min_size) const;
  at::Tensor normalize_and_resize(const at::Tensor& image, ImageSize to, at::Device device) const;
  at::Tensor normalize_and_resize_on_cpu(const at::Tensor& image, ImageSize to) const;
  ImageList batch(const std::vector<at::Tensor>& images) const;

  TransformOptions options_;
  Constant mean_, std_;  // [3,1,1]
};

}  // namespace maskrcnn
