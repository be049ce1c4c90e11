#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <variant>
#include <vector>

#include "masks/rle.h"

namespace maskrcnn::ops {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

// Measurements of one object, in pixels. Those with scikit-image's names are equal to its
// regionprops. Without pixels, the object has the numbers that are 0 here, and no others.
struct ObjectShape {
  double area = 0;
  double area_convex = kUndefined;
  double perimeter = kUndefined;
  double centroid_0 = kUndefined, centroid_1 = kUndefined;  // row, column of pixels' centres
  double bbox_0 = kUndefined, bbox_1 = kUndefined;          // first row, first column
  double bbox_2 = kUndefined, bbox_3 = kUndefined;          // after the last row and column
  double axis_major_length = kUndefined, axis_minor_length = kUndefined;
  double orientation = kUndefined;  // in radians, of the major axis from the rows' direction (down)
  double eccentricity = kUndefined;
  double solidity = kUndefined;
  double extent = kUndefined;
  double feret_diameter_max = kUndefined;
  double equivalent_diameter_area = kUndefined;
  double euler_number = 0;    // parts - holes
  double parts = 0;           // connected by sides or corners (8-connectivity)
  double holes = 0;           // parts of the background inside, connected by sides (4-connectivity)
  double touches_border = 0;  // of the image: 0 or 1
};

ObjectShape measure_shape(const Runs& runs);

// Pixels in row-major order, with their channels side by side.
struct Pixels {
  std::variant<std::span<const uint8_t>, std::span<const uint16_t>, std::span<const float>> data;
  int64_t width, height, channels;
};

// The values of one channel in an object. Undefined if it has no pixels.
struct Intensity {
  double mean = kUndefined, std = kUndefined;  // std: of the pixels, not an estimate (N, not N - 1)
  double min = kUndefined, max = kUndefined;
};

// One for each channel. The mask and the image must be of one size.
std::vector<Intensity> measure_intensities(const Runs& runs, const Pixels& pixels);

}  // namespace maskrcnn::ops
