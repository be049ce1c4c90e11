#pragma once

#include <c10/util/ArrayRef.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace maskrcnn::ops {

struct Tap {
  int64_t index;  // row or column
  float weight;
};

// Bilinear sampling is separable: the taps of a ROIAlign cell (four per sample) are the product of
// taps along y and taps along x. Neighbouring samples share rows and columns, and this class adds
// up the weights of shared ones. So a small cell of 2 x 2 samples needs 4 to 9 taps instead of 16.
class AxisTaps {
 public:
  // Divides [start, start + length] into `cells` cells, and each cell into `samples` equal parts.
  // Takes a sample at the centre of each part. The map has `extent` pixels, and the centre of the
  // first is at 0 (torchvision's roi_align_common.h with aligned=false; float32 throughout, as
  // there). A sample more than one pixel outside the map counts as 0; a nearer one takes the value
  // at the border. `place(pixel)` returns where that pixel is stored, or -1 if the map is known to
  // be 0 there. The weights of a cell sum to `samples`.
  template <typename Place>
  void sample(
      float start, float length, int64_t cells, int64_t samples, int64_t extent, Place place) {
    taps_.clear();
    ends_.assign(1, 0);
    const float cell_length = length / static_cast<float>(cells);
    for (int64_t cell = 0; cell < cells; ++cell) {
      for (int64_t i = 0; i < samples; ++i) {
        const float position =
            start + static_cast<float>(cell) * cell_length +
            (static_cast<float>(i) + 0.5f) * cell_length / static_cast<float>(samples);
        if (!(position >= -1.0f && position <= static_cast<float>(extent))) continue;
        const float inside = std::max(position, 0.0f);
        const auto low = static_cast<int64_t>(inside);
        if (low >= extent - 1) {
          add(place(extent - 1), 1.0f);
        } else {
          const float high_weight = inside - static_cast<float>(low);
          add(place(low), 1.0f - high_weight);
          add(place(low + 1), high_weight);
        }
      }
      ends_.push_back(taps_.size());
    }
  }

  c10::ArrayRef<Tap> cell(int64_t index) const {
    return {taps_.data() + ends_[index], taps_.data() + ends_[index + 1]};
  }

 private:
  void add(int64_t index, float weight) {
    if (index < 0) return;
    // Positions increase, so only the last two taps of the cell can be for the same pixel.
    const size_t first = ends_.back();
    for (size_t i = taps_.size(); i > first && i + 2 > taps_.size(); --i) {
      if (taps_[i - 1].index == index) {
        taps_[i - 1].weight += weight;
        return;
      }
    }
    taps_.push_back({index, weight});
  }

  std::vector<Tap> taps_;
  std::vector<size_t> ends_;  // cell i has taps ends_[i] .. ends_[i+1]
};

// Longer sides would need more sample positions than float32 can distinguish.
constexpr float kLongestAdaptiveSide = 1 << 24;

// Samples per cell and axis: `sampling_ratio`, or one per pixel if that is not positive.
inline int64_t samples_per_cell(float length, int64_t cells, int64_t sampling_ratio) {
  if (sampling_ratio > 0) return sampling_ratio;
  TORCH_CHECK(
      length <= kLongestAdaptiveSide,
      "A region that is sampled once a pixel can be at most ",
      kLongestAdaptiveSide,
      " pixels long, got ",
      length);
  return static_cast<int64_t>(std::ceil(length / static_cast<float>(cells)));
}

}  // namespace maskrcnn::ops
