#include "masks/paste.h"

#include <algorithm>
#include <cmath>

#include "aten.h"
#include "kernels/target_clones.h"

// Letters: D detections, M side of the mask head's output.

namespace maskrcnn::ops {
namespace {

constexpr int64_t kPadding = 1;  // torchvision roi_heads.py, expand_masks

// Above this, float32 cannot represent every whole pixel.
constexpr float kFurthestCoordinate = 1 << 24;

// The whole pixels first..last that a padded mask covers along one axis. Both are inclusive, which
// is why length() adds 1 (TO_REMOVE in torchvision).
struct Span {
  int64_t first, last;
  int64_t length() const { return std::max<int64_t>(last - first + 1, 1); }
};

Span expand(float low, float high, int64_t side) {
  const auto scale =
      static_cast<float>(static_cast<double>(side + 2 * kPadding) / static_cast<double>(side));
  const float half = (high - low) * 0.5f * scale;
  const float centre = (high + low) * 0.5f;
  return {static_cast<int64_t>(centre - half), static_cast<int64_t>(centre + half)};
}

// The two positions of the padded mask that a pixel lies between. Its value is
// (1 - weight) * low + weight * high.
struct Blend {
  int64_t low, high;
  float weight;
};

// interpolate(mode='bilinear', align_corners=False) from `size` to span.length(), for the pixels
// begin..end-1 of the image.
std::vector<Blend> blend(const Span& span, int64_t size, int64_t begin, int64_t end) {
  const float scale = static_cast<float>(size) / static_cast<float>(span.length());
  std::vector<Blend> blends;
  for (int64_t pixel = begin; pixel < end; ++pixel) {
    const auto offset = static_cast<float>(pixel - span.first);
    const float source = std::max(scale * (offset + 0.5f) - 0.5f, 0.0f);
    const auto low = std::min(static_cast<int64_t>(source), size - 1);
    const float weight = std::clamp(source - static_cast<float>(low), 0.0f, 1.0f);
    blends.push_back({low, std::min(low + 1, size - 1), weight});
  }
  return blends;
}

MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void mix_rows(
    const float* __restrict low,
    const float* __restrict high,
    float weight,
    int64_t width,
    float* __restrict mixed) {
  for (int64_t x = 0; x < width; ++x) mixed[x] = (1.0f - weight) * low[x] + weight * high[x];
}

// A mask that is stretched over its box, row by row.
class StretchedMask {
 public:
  StretchedMask(const float* mask, int64_t side, const float* box, int64_t height, int64_t width);

  // The part of the box that is inside the image, in pixels. Without any, all are 0.
  int64_t left() const { return left_; }
  int64_t top() const { return top_; }
  int64_t width() const { return width_; }
  int64_t height() const { return height_; }

  // The probabilities of row `y` of that part.
  void row(int64_t y, float* to) const {
    mix_rows(
        stretched_.data() + rows_[y].low * width_,
        stretched_.data() + rows_[y].high * width_,
        rows_[y].weight,
        width_,
        to);
  }

 private:
  int64_t left_ = 0, top_ = 0, width_ = 0, height_ = 0;
  std::vector<float> stretched_;  // the padded mask's rows, stretched along x
  std::vector<Blend> rows_;
};

StretchedMask::StretchedMask(
    const float* mask, int64_t side, const float* box, int64_t height, int64_t width) {
  const auto x = expand(box[0], box[2], side), y = expand(box[1], box[3], side);
  const auto left = std::max<int64_t>(x.first, 0), top = std::max<int64_t>(y.first, 0);
  const auto inside_x = std::min(x.last + 1, width) - left;
  const auto inside_y = std::min(y.last + 1, height) - top;
  if (inside_x <= 0 || inside_y <= 0) return;
  left_ = left, top_ = top, width_ = inside_x, height_ = inside_y;

  const int64_t padded_side = side + 2 * kPadding;
  const auto columns = blend(x, padded_side, left_, left_ + width_);
  rows_ = blend(y, padded_side, top_, top_ + height_);
  stretched_.resize(padded_side * width_, 0.0f);
  const auto at = [&](const float* row, int64_t column) {
    const auto unpadded = column - kPadding;
    return unpadded >= 0 && unpadded < side ? row[unpadded] : 0.0f;
  };
  for (int64_t i = 0; i < side; ++i) {
    const float* row = mask + i * side;
    float* to = stretched_.data() + (i + kPadding) * width_;
    for (int64_t j = 0; j < width_; ++j) {
      const auto& column = columns[j];
      to[j] = (1.0f - column.weight) * at(row, column.low) + column.weight * at(row, column.high);
    }
  }
}

PastedMask paste(const StretchedMask& mask) {
  PastedMask pasted{mask.left(), mask.top(), mask.width(), mask.height(), {}};
  pasted.values.resize(pasted.width * pasted.height);
  for (int64_t y = 0; y < pasted.height; ++y) mask.row(y, pasted.values.data() + y * pasted.width);
  return pasted;
}

// Throws if the sizes do not fit.
void check(const at::Tensor& masks, const at::Tensor& boxes) {
  TORCH_CHECK(
      masks.dim() == 3 && masks.size(1) == masks.size(2) && masks.size(1) > 0,
      "paste_masks: the masks must be [D,M,M], got ",
      masks.sizes());
  TORCH_CHECK(
      boxes.dim() == 2 && boxes.size(0) == masks.size(0) && boxes.size(1) == 4,
      "paste_masks: the boxes must be [",
      masks.size(0),
      ",4], got ",
      boxes.sizes());
}

// The coordinates on the CPU. Throws if one is not a pixel.
at::Tensor checked_boxes(const at::Tensor& boxes) {
  auto coordinates = boxes.detach().to(at::kCPU, at::kFloat).contiguous();  // [D,4]
  const auto* box = coordinates.const_data_ptr<float>();
  for (int64_t i = 0; i < coordinates.numel(); ++i) {
    TORCH_CHECK(
        std::abs(box[i]) <= kFurthestCoordinate,
        "paste_masks: a box's coordinates must be finite and at most ",
        kFurthestCoordinate,
        " pixels, got ",
        box[i]);
  }
  return coordinates;
}

}  // namespace

std::vector<PastedMask> paste_masks(
    const at::Tensor& masks, const at::Tensor& boxes, int64_t height, int64_t width) {
  check(masks, boxes);
  const auto values = masks.detach().to(at::kCPU, at::kFloat).contiguous();  // [D,M,M]
  const auto coordinates = checked_boxes(boxes);                             // [D,4]
  const auto* mask = values.const_data_ptr<float>();
  const auto* box = coordinates.const_data_ptr<float>();
  const auto side = masks.size(1);
  std::vector<PastedMask> pasted(masks.size(0));
  at::parallel_for(0, masks.size(0), /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t d = begin; d < end; ++d) {
      pasted[d] = paste(StretchedMask(mask + d * side * side, side, box + 4 * d, height, width));
    }
  });
  return pasted;
}

PastedBitmap paste_bitmap(
    const at::Tensor& mask, const at::Tensor& box, int64_t height, int64_t width, float threshold) {
  check(mask, box);
  const auto values = mask.detach().to(at::kCPU, at::kFloat).contiguous();  // [1,M,M]
  const auto coordinates = checked_boxes(box);                              // [1,4]
  const StretchedMask stretched(
      values.const_data_ptr<float>(),
      mask.size(1),
      coordinates.const_data_ptr<float>(),
      height,
      width);
  PastedBitmap pasted{stretched.left(), stretched.top(), stretched.width(), stretched.height(), {}};
  pasted.pixels.reserve(pasted.width * pasted.height);
  std::vector<float> row(pasted.width);
  for (int64_t y = 0; y < pasted.height; ++y) {
    stretched.row(y, row.data());
    for (const float value : row) pasted.pixels.push_back(value >= threshold ? 1 : 0);
  }
  return pasted;
}

}  // namespace maskrcnn::ops
