#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace maskrcnn::ops {

// Three rows of four: what each of R, G, B becomes of (R, G, B, 1).
using ColorMatrix = std::array<float, 12>;

// The matrix applied to values 0..255, rounded and cut to that range.
std::vector<uint8_t> adjust_colors(std::span<const uint8_t> pixels, const ColorMatrix& matrix);

// The matrix applied to optical densities log10(256 / (value + 1)), in which stains add up (Ruifrok
// and Johnston, "Quantification of histochemical staining by color deconvolution", 2001). One is
// added so that black has a density.
std::vector<uint8_t> adjust_densities(std::span<const uint8_t> pixels, const ColorMatrix& matrix);

}  // namespace maskrcnn::ops
