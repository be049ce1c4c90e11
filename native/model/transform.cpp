#include "model/transform.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "boxes/boxes.h"
#include "memory/tensor_memory.h"

namespace maskrcnn {

namespace {

// Of an image with more pixels, the floats are not kept for the next one.
constexpr int64_t kMostKept = 4096 * 4096;

ImageSize size_of(const at::Tensor& image /*[H,W,3]*/) {
  return {image.size(0), image.size(1)};
}

// Same as random.choice, but from libtorch's generator. Draws even if there is only one candidate,
// as torchvision does.
int64_t draw(const std::vector<int64_t>& candidates, at::Generator& generator) {
  const auto position =
      at::empty({1}).uniform_(0.0, static_cast<double>(candidates.size()), generator);
  return candidates.at(static_cast<size_t>(position.item<float>()));
}

at::Tensor as_column(const std::array<double, 3>& values) {
  return at::tensor(at::ArrayRef<double>(values), at::kFloat).view({3, 1, 1});
}

int64_t round_up(int64_t value, int64_t divisor) {
  return (value + divisor - 1) / divisor * divisor;
}

}  // namespace

Transform::Transform(const TransformOptions& options)
    : options_(options), mean_(as_column(options.image_mean)), std_(as_column(options.image_std)) {}

ImageList Transform::forward(const std::vector<at::Tensor>& images, at::Device device) const {
  std::vector<at::Tensor> inputs;
  for (const auto& image : images) {
    inputs.push_back(
        normalize_and_resize(image, resized(size_of(image), options_.min_size.back()), device));
  }
  return batch(inputs);
}

ImageList Transform::forward(
    const std::vector<at::Tensor>& images,
    std::vector<Target>& targets,
    at::Device device,
    Generators& generators) const {
  std::vector<at::Tensor> inputs;
  for (size_t i = 0; i < images.size(); ++i) {
    const auto original = size_of(images[i]);
    const auto to =
        options_.skip_resize ? original : resized(original, draw(options_.min_size, generators[i]));
    inputs.push_back(normalize_and_resize(images[i], to, device));
    targets[i].boxes = upload(resize_boxes(targets[i].boxes, original, to), device);
    targets[i].labels = upload(targets[i].labels, device);
    targets[i].original = original;
    targets[i].resized = to;
  }
  return batch(inputs);
}

ImageSize Transform::resized(ImageSize original, int64_t min_size) const {
  if (options_.fixed_size) return *options_.fixed_size;
  const auto shorter = static_cast<double>(std::min(original.height, original.width));
  const auto longer = static_cast<double>(std::max(original.height, original.width));
  const double scale = std::min(
      static_cast<double>(min_size) / shorter, static_cast<double>(options_.max_size) / longer);
  const auto side = [scale](int64_t length) {
    return static_cast<int64_t>(std::floor(static_cast<double>(length) * scale));
  };
  return {side(original.height), side(original.width)};
}

at::Tensor Transform::normalize_and_resize(
    const at::Tensor& image, ImageSize to, at::Device device) const {
  if (device.is_cpu()) return normalize_and_resize_on_cpu(image, to);
  const auto pixels = upload(image, device).permute({2, 0, 1}).to(at::kFloat) / 255;  // [3,H,W]
  const auto normalized = (pixels - mean_.on(device)) / std_.on(device);
  return at::upsample_bilinear2d(
      normalized.unsqueeze(0), {to.height, to.width}, /*align_corners=*/false);  // [1,3,H',W']
}

// The same numbers, but with the floats of one channel in memory instead of three copies of all:
// images may be much larger than the network's input.
at::Tensor Transform::normalize_and_resize_on_cpu(
    const at::Tensor& image /*[H,W,3]*/, ImageSize to) const {
  std::optional<memory::Unkept> unkept;
  if (image.size(0) * image.size(1) > kMostKept) unkept.emplace();
  const auto mean = mean_.on(at::kCPU), std = std_.on(at::kCPU);  // [3,1,1]
  const auto pixels = at::empty({1, 1, image.size(0), image.size(1)}, at::kFloat);
  const auto resized = at::empty({1, 3, to.height, to.width}, at::kFloat);
  for (int64_t c = 0; c < 3; ++c) {
    pixels.copy_(image.select(2, c));
    pixels.div_(255).sub_(mean[c]).div_(std[c]);
    auto channel = resized.narrow(1, c, 1);  // [1,1,H',W']
    at::upsample_bilinear2d_out(channel, pixels, {to.height, to.width}, /*align_corners=*/false);
  }
  return resized;
}

ImageList Transform::batch(const std::vector<at::Tensor>& images) const {
  ImageSize largest{0, 0};
  ImageList list;
  for (const auto& image : images) {
    list.sizes.push_back({image.size(2), image.size(3)});
    largest.height = std::max(largest.height, image.size(2));
    largest.width = std::max(largest.width, image.size(3));
  }
  // Channels-last, because every layer keeps this format. So convolutions need not reorder their
  // input.
  list.tensors = at::empty(
                     {static_cast<int64_t>(images.size()),
                      3,
                      round_up(largest.height, options_.size_divisible),
                      round_up(largest.width, options_.size_divisible)},
                     images.front().options(),
                     at::MemoryFormat::ChannelsLast)
                     .zero_();
  for (size_t i = 0; i < images.size(); ++i) {
    const auto [height, width] = list.sizes[i];
    list.tensors[static_cast<int64_t>(i)]
        .slice(1, 0, height)
        .slice(2, 0, width)
        .copy_(images[i].squeeze(0));
  }
  return list;
}

}  // namespace maskrcnn
