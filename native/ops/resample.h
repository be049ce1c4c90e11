#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ops/instance_map.h"

namespace maskrcnn::ops {

// RGB, reading order.
struct PixelSpan {
  std::span<const uint8_t> data;  // width * height * 3
  int64_t width, height;
};

// A smooth displacement: a uniform cubic B-spline (Rueckert et al., "Nonrigid registration using
// free-form deformations", 1999) over the result. Control point (i, j) stands at
// ((i - 1) * spacing, (j - 1) * spacing).
struct DisplacementGrid {
  int64_t columns, rows;
  double spacing;  // pixels of the result
  std::span<const float>
      points;  // rows * columns * 2: what is added to x and y, pixels of the input
};

struct ResampleOptions {
  int64_t width, height;  // of the result
  // From the centre (x, y) of a pixel of the result to the input: m[0]x + m[1]y + m[2], m[3]x + ...
  std::array<double, 6> matrix;
  std::optional<DisplacementGrid> grid;
  // The colour of what lies outside of the input; without one the input is mirrored at its borders.
  std::optional<std::array<uint8_t, 3>> fill;
  // Before, squares of this side are averaged: against aliasing where the image is made smaller.
  int64_t shrink = 1;
};

struct Resampled {
  std::vector<uint8_t> pixels;  // width * height * 3
  ResampledMasks masks;
};

// One resampling of an image, bilinear, and of its instances, nearest neighbour, through the same
// map: they agree by construction.
Resampled resample(const PixelSpan& image, const MaskSpans& masks, const ResampleOptions& options);

}  // namespace maskrcnn::ops
