#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace maskrcnn::ops {

// Appends the ring without the points that the others stand in for (Douglas and Peucker,
// "Algorithms for the reduction of the number of points required to represent a digitized line",
// 1973): each point that is left out is within `tolerance` pixels of the line between its kept
// neighbours. The first point of the ring and the one furthest from it are always kept. A ring that
// would have fewer than three points, or no area, or be turned inside out, is appended as it is,
// and so are all with a tolerance of 0. Simplified rings can cross themselves and each other.
void append_simplified(
    std::span<const int32_t> ring,  // alternating x and y
    double tolerance,
    std::vector<int32_t>& points);

}  // namespace maskrcnn::ops
