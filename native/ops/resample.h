#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "masks/instance_map.h"

namespace maskrcnn::ops {

// RGB in row-major order.
struct PixelSpan {
  std::span<const uint8_t> data;  // width * height * 3
  int64_t width, height;
};

// A smooth displacement: a uniform cubic B-spline (Rueckert et al., "Nonrigid registration using
// free-form deformations", 1999) over the result. Control point (i, j) is at
// ((i - 1) * spacing, (j - 1) * spacing).
struct DisplacementGrid {
  int64_t columns, rows;
  double spacing;  // pixels of the result
  std::span<const float>
      points;  // rows * columns * 2: displacements in x and y, in pixels of the input
};

struct ResampleOptions {
  int64_t width, height;  // of the result
  // Maps the centre (x, y) of a pixel of the result to the input: m[0]x + m[1]y + m[2], m[3]x + ...
  std::array<double, 6> matrix;
  std::optional<DisplacementGrid> grid;
  // The colour outside the input. Without it, the input is mirrored at its borders.
  std::optional<std::array<uint8_t, 3>> fill;
  // The side of squares that are averaged first, to prevent aliasing when the image gets smaller.
  int64_t shrink = 1;
};

struct Resampled {
  std::vector<uint8_t> pixels;  // width * height * 3
  ResampledMasks masks;
};

// Resamples the image (bilinear) and its instances (nearest neighbour) through the same map, so
// that they always agree.
Resampled resample(const PixelSpan& image, const MaskSpans& masks, const ResampleOptions& options);

}  // namespace maskrcnn::ops
