#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace maskrcnn::ops {

// Three rows of four. Each row computes one of R, G and B from (R, G, B, 1).
using ColorMatrix = std::array<float, 12>;

// Applies the matrix to values 0..255, then clamps and rounds.
std::vector<uint8_t> adjust_colors(std::span<const uint8_t> pixels, const ColorMatrix& matrix);

// Applies the matrix to the optical densities log10(256 / (value + 1)). Densities of stains add up
// (Ruifrok and Johnston, "Quantification of histochemical staining by color deconvolution", 2001).
// The + 1 gives black a finite density.
std::vector<uint8_t> adjust_densities(std::span<const uint8_t> pixels, const ColorMatrix& matrix);

}  // namespace maskrcnn::ops
