#include "boxes/best_overlaps.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/target_clones.h"

namespace maskrcnn {

namespace {

constexpr int64_t kBlock = 256;  // boxes that are compared with an instance at once
constexpr int64_t kLanes = 16;   // maxima that are tracked side by side, so that they vectorise
static_assert(kBlock % kLanes == 0);

constexpr float kNothing = -std::numeric_limits<float>::infinity();  // before the first value

// As libtorch's max(): NaN is above everything, and of equal values the first wins.
inline bool is_better(float value, float best) {
  return !(value <= best) & (best == best);  // without a branch, so that it vectorises
}

struct Box {
  float x0, y0, x1, y1, area;

  explicit Box(const float* corners)
      : x0(corners[0]),
        y0(corners[1]),
        x1(corners[2]),
        y1(corners[3]),
        area((corners[2] - corners[0]) * (corners[3] - corners[1])) {}
  // The IoU of two such boxes is 0 if they do not meet. Otherwise it can be NaN or negative.
  bool is_ordinary() const { return area > 0 && std::isfinite(area); }
};

// Boxes that are neighbours in the tensor, one array per coordinate. Neighbouring anchors are
// neighbours in the image, so most instances meet none of a block.
struct Block {
  std::array<float, kBlock> x0, y0, x1, y1, area;
  float left = std::numeric_limits<float>::infinity(), top = left, right = -left, bottom = -left;
  bool is_ordinary = true;

  // The last box fills up the block. Maxima do not change by that.
  Block(const float* boxes, int64_t count) {
    for (int64_t i = 0; i < kBlock; ++i) {
      const Box box(boxes + 4 * std::min(i, count - 1));
      x0[i] = box.x0, y0[i] = box.y0, x1[i] = box.x1, y1[i] = box.y1, area[i] = box.area;
      left = std::min(left, box.x0), top = std::min(top, box.y0);
      right = std::max(right, box.x1), bottom = std::max(bottom, box.y1);
      is_ordinary = is_ordinary && box.is_ordinary();
    }
  }

  // Whether the IoU of every box with the instance is 0.
  bool misses(const Box& instance) const {
    return is_ordinary && instance.is_ordinary() &&
           (instance.x1 <= left || instance.x0 >= right || instance.y1 <= top ||
            instance.y0 >= bottom);
  }
};

// There is no clone with fused multiply-add: the IoU must round as that of box_iou().
MASKRCNN_TARGET_CLONES("default", "avx2")
void overlaps(const Block& block, const Box& instance, float* __restrict iou) {
  const auto [x0, y0, x1, y1, area] = instance;
  for (int64_t i = 0; i < kBlock; ++i) {
    const float left = x0 < block.x0[i] ? block.x0[i] : x0;
    const float top = y0 < block.y0[i] ? block.y0[i] : y0;
    const float right = x1 < block.x1[i] ? x1 : block.x1[i];
    const float bottom = y1 < block.y1[i] ? y1 : block.y1[i];
    const float width = right - left > 0.0f ? right - left : 0.0f;
    const float height = bottom - top > 0.0f ? bottom - top : 0.0f;
    const float shared = width * height;
    iou[i] = shared / (area + block.area[i] - shared);
  }
}

// Updates the best instance of each box, and returns the highest IoU.
MASKRCNN_TARGET_CLONES("default", "avx2")
float update(
    const float* __restrict iou,
    int32_t instance,
    float* __restrict best,
    int32_t* __restrict best_instance) {
  std::array<float, kLanes> highest;
  highest.fill(kNothing);
  for (int64_t i = 0; i < kBlock; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const float value = iou[i + lane];
      const bool better = is_better(value, best[i + lane]);
      best[i + lane] = better ? value : best[i + lane];
      best_instance[i + lane] = better ? instance : best_instance[i + lane];
      highest[lane] = is_better(value, highest[lane]) ? value : highest[lane];
    }
  }
  float all = kNothing;
  for (const auto value : highest) all = is_better(value, all) ? value : all;
  return all;
}

}  // namespace

BestOverlaps best_overlaps(
    const at::Tensor& instances, const at::Tensor& boxes, bool with_highest) {
  const auto given = instances.detach().to(at::kFloat).contiguous();
  const auto compared = boxes.detach().to(at::kFloat).contiguous();
  const auto* corners = compared.const_data_ptr<float>();
  const auto count = compared.size(0), blocks = (count + kBlock - 1) / kBlock;
  std::vector<Box> objects;
  for (int64_t g = 0; g < given.size(0); ++g) {
    objects.emplace_back(given.const_data_ptr<float>() + 4 * g);
  }
  const auto block_at = [&](int64_t index) {
    return Block(corners + 4 * kBlock * index, std::min(kBlock, count - kBlock * index));
  };

  BestOverlaps best{std::vector<float>(count), std::vector<int64_t>(count), {}};
  // Highest IoU of each instance within each block, [blocks,G].
  std::vector<float> highest_of(with_highest ? blocks * objects.size() : 0);
  at::parallel_for(0, blocks, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    std::array<float, kBlock> iou, best_iou;
    std::array<int32_t, kBlock> instance;
    for (auto b = begin; b < end; ++b) {
      const auto block = block_at(b);
      best_iou.fill(kNothing);
      instance.fill(0);
      bool missed = false;
      for (size_t g = 0; g < objects.size(); ++g) {
        float highest = 0;
        if (!block.misses(objects[g])) {
          overlaps(block, objects[g], iou.data());
          highest = update(iou.data(), static_cast<int32_t>(g), best_iou.data(), instance.data());
        } else if (!missed) {  // only the first 0 of a box can be its best
          missed = true;
          iou.fill(0);
          update(iou.data(), static_cast<int32_t>(g), best_iou.data(), instance.data());
        }
        if (with_highest) highest_of[b * objects.size() + g] = highest;
      }
      const auto here = std::min(kBlock, count - kBlock * b);
      std::copy_n(best_iou.begin(), here, best.iou.begin() + kBlock * b);
      std::copy_n(instance.begin(), here, best.instance.begin() + kBlock * b);
    }
  });
  if (!with_highest) return best;

  std::vector<float> highest(objects.size(), kNothing);
  for (int64_t b = 0; b < blocks; ++b) {
    for (size_t g = 0; g < objects.size(); ++g) {
      const auto value = highest_of[b * objects.size() + g];
      if (is_better(value, highest[g])) highest[g] = value;
    }
  }
  best.is_a_highest.assign(count, 0);
  at::parallel_for(0, blocks, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    std::array<float, kBlock> iou;
    for (auto b = begin; b < end; ++b) {
      const auto block = block_at(b);
      const auto here = std::min(kBlock, count - kBlock * b);
      for (size_t g = 0; g < objects.size(); ++g) {
        // False for NaN, which equals nothing.
        if (!(highest_of[b * objects.size() + g] == highest[g])) continue;
        overlaps(block, objects[g], iou.data());
        for (int64_t i = 0; i < here; ++i) {
          if (iou[i] == highest[g]) best.is_a_highest[kBlock * b + i] = 1;
        }
      }
    }
  });
  return best;
}

}  // namespace maskrcnn
