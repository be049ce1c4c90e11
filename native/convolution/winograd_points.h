#pragma once

#include <cstdint>

#include "kernels/lanes.h"
#include "kernels/target_clones.h"

// What the linear maps of Winograd's F(4 x 4, 3 x 3) share: the points, and the loop over channels.

namespace maskrcnn::ops::winograd {

#define MASKRCNN_VECTORIZED MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
// The compiler does not know that the rows which a loop writes do not overlap.
#define MASKRCNN_INDEPENDENT _Pragma("GCC ivdep")

// The points are 0, ±a, ±b and infinity. Of the values tried, these had the smallest error: 2.7
// times that of F(2 x 2, 3 x 3) in sums over 256 channels of normal numbers, where the usual 1 and
// 2 have 6 times. All products of powers below are exact in float32.
constexpr float a = 0.625f, b = 1.5f, aa = a * a, bb = b * b;
// What the polynomials of the points are divided by: the products of the distances to the others.
constexpr float at_zero = 1 / (aa * bb), at_a = 1 / (2 * aa * (aa - bb)),
                at_b = 1 / (2 * bb * (bb - aa));

// Channels that are transformed at once. They stay in registers and in the nearest cache.
constexpr int64_t kLanes = 16;

// Runs work.template run<lanes>(first) over all channels, kLanes at a time while there are as many.
template <typename Work>
MASKRCNN_INLINE void for_channels(int64_t channels, const Work& work) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) work.template run<kLanes>(c);
  for (; c < channels; ++c) work.template run<1>(c);
}

}  // namespace maskrcnn::ops::winograd
