#include "ops/color.h"

#include <algorithm>
#include <cmath>

namespace maskrcnn::ops {
namespace {

float row_of(const ColorMatrix& m, int row, float r, float g, float b) {
  return m[4 * row] * r + m[4 * row + 1] * g + m[4 * row + 2] * b + m[4 * row + 3];
}

// Steps of the table that maps densities back to intensities. There are enough for each intensity
// to map back to itself.
constexpr int kDensitySteps = 8192;

struct DensityTables {
  std::array<float, 256> density;                // in steps
  std::array<uint8_t, kDensitySteps> intensity;  // indexed by step

  DensityTables() {
    const double largest = std::log10(256.0);
    for (int i = 0; i < 256; ++i) {
      density[i] = static_cast<float>(std::log10(256.0 / (i + 1)) / largest * (kDensitySteps - 1));
    }
    for (int i = 0; i < kDensitySteps; ++i) {
      const double value = std::pow(256.0, 1 - static_cast<double>(i) / (kDensitySteps - 1)) - 1;
      intensity[i] = static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
    }
  }
};

}  // namespace

std::vector<uint8_t> adjust_colors(std::span<const uint8_t> pixels, const ColorMatrix& matrix) {
  const auto m = matrix;  // a copy, which the writes below cannot alias
  std::vector<uint8_t> adjusted(pixels.size());
  for (size_t i = 0; i + 2 < pixels.size(); i += 3) {
    const float r = pixels[i], g = pixels[i + 1], b = pixels[i + 2];
    for (int c = 0; c < 3; ++c) {
      const float value = std::clamp(row_of(m, c, r, g, b), 0.0f, 255.0f);
      adjusted[i + c] = static_cast<uint8_t>(value + 0.5f);
    }
  }
  return adjusted;
}

std::vector<uint8_t> adjust_densities(std::span<const uint8_t> pixels, const ColorMatrix& matrix) {
  static const DensityTables tables;
  auto in_steps = matrix;
  const auto steps_of_one = static_cast<float>((kDensitySteps - 1) / std::log10(256.0));
  for (int row = 0; row < 3; ++row) in_steps[4 * row + 3] *= steps_of_one;
  std::vector<uint8_t> adjusted(pixels.size());
  for (size_t i = 0; i + 2 < pixels.size(); i += 3) {
    const float r = tables.density[pixels[i]], g = tables.density[pixels[i + 1]],
                b = tables.density[pixels[i + 2]];
    for (int c = 0; c < 3; ++c) {
      const float steps =
          std::clamp(row_of(in_steps, c, r, g, b), 0.0f, static_cast<float>(kDensitySteps - 1));
      adjusted[i + c] = tables.intensity[static_cast<int>(steps + 0.5f)];
    }
  }
  return adjusted;
}

}  // namespace maskrcnn::ops
