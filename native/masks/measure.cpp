#include "masks/measure.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "masks/convex_hull.h"
#include "masks/disjoint_sets.h"
#include "masks/perimeter.h"
#include "masks/run_columns.h"

// Works on the segments of the columns and never decodes a mask: memory follows the number of runs
// and the longer sides of the object's box.

namespace maskrcnn::ops {
namespace {

// Second moments about the centroid, divided by the area.
struct Moments {
  double centroid_row, centroid_column;
  double rows, columns, both;  // variances of the rows and the columns, and their covariance
};

Moments moments_of(const RunColumns& columns, double area) {
  const auto for_each = [&](auto visit) {
    for (int64_t column = 0; column < columns.size(); ++column) {
      for (const auto& [top, bottom] : columns[column]) visit(column + columns.left(), top, bottom);
    }
  };
  int64_t column_sum = 0, doubled_row_sum = 0;
  for_each([&](int64_t column, int64_t top, int64_t bottom) {
    column_sum += column * (bottom - top);
    doubled_row_sum += (top + bottom - 1) * (bottom - top);
  });
  Moments moments{
      static_cast<double>(doubled_row_sum) / 2 / area,
      static_cast<double>(column_sum) / area,
      0,
      0,
      0};
  // About the centroid, not about 0: differences of large sums would lose digits.
  for_each([&](int64_t column, int64_t top, int64_t bottom) {
    const auto count = static_cast<double>(bottom - top);
    const auto dx = static_cast<double>(column) - moments.centroid_column;
    const auto dy = static_cast<double>(top + bottom - 1) / 2 - moments.centroid_row;
    moments.columns += count * dx * dx;
    moments.both += count * dx * dy;
    moments.rows += count * (dy * dy + (count * count - 1) / 12);  // 12: of consecutive numbers
  });
  moments.rows /= area;
  moments.columns /= area;
  moments.both /= area;
  return moments;
}

// The ellipse with the same second moments: its axes are 4 standard deviations long.
void measure_ellipse(const Moments& moments, ObjectShape& shape) {
  // Rounding must not give a round object a direction, or a level one the opposite direction.
  const auto negligible = 1e-12 * (moments.rows + moments.columns);
  const auto snapped = [&](double value) { return std::abs(value) <= negligible ? 0 : value; };
  const auto difference = snapped(moments.rows - moments.columns), both = snapped(moments.both);
  const auto mean = (moments.rows + moments.columns) / 2;
  // Not std::hypot: glibc 2.35 gave it a new version, which older systems lack.
  const auto spread = std::sqrt(difference * difference / 4 + both * both);
  const auto major = mean + spread, minor = std::max(0.0, snapped(mean - spread));
  shape.axis_major_length = 4 * std::sqrt(major);
  shape.axis_minor_length = 4 * std::sqrt(minor);
  shape.eccentricity = major == 0 ? 0 : std::sqrt(1 - minor / major);
  // scikit-image's answer for a round object, of which no direction is longer.
  const bool is_round = difference == 0 && both == 0;
  shape.orientation = is_round ? -std::numbers::pi / 4 : std::atan2(2 * both, difference) / 2;
}

// Parts by union-find over the segments. The Euler number of closed pixels is that of the columns,
// which have no holes, minus that of what two columns share, which is a stretch for each two
// segments that touch.
void count_parts(const RunColumns& columns, ObjectShape& shape) {
  DisjointSets sets;
  int64_t segments = 0, contacts = 0;
  std::vector<int32_t> before, current;  // the sets of the segments of two columns
  for (int64_t column = 0; column < columns.size(); ++column) {
    const auto left = columns[column - 1], right = columns[column];
    current.clear();
    size_t first = 0;
    for (const auto& segment : right) {
      current.push_back(sets.add());
      while (first < left.size() && left[first].bottom < segment.top) ++first;
      for (auto i = first; i < left.size() && left[i].top <= segment.bottom; ++i) {
        sets.join(current.back(), before[i]);
        ++contacts;
      }
    }
    segments += static_cast<int64_t>(right.size());
    std::swap(before, current);
  }
  int64_t parts = 0;
  for (int32_t i = 0; i < sets.size(); ++i) parts += sets.root(i) == i ? 1 : 0;
  shape.euler_number = static_cast<double>(segments - contacts);
  shape.parts = static_cast<double>(parts);
  shape.holes = shape.parts - shape.euler_number;
}

template <typename Value>
std::vector<Intensity> intensities_in(
    const Runs& runs, std::span<const Value> data, int64_t channels) {
  const auto for_each_pixel = [&](auto visit) {
    for_each_column(runs, [&](int64_t column, const std::vector<Segment>& segments) {
      for (const auto& [top, bottom] : segments) {
        const auto* pixel = data.data() + (top * runs.width + column) * channels;
        for (auto row = top; row < bottom; ++row, pixel += runs.width * channels) visit(pixel);
      }
    });
  };
  const auto area = static_cast<double>(area_of(runs));
  std::vector<Intensity> intensities(channels);
  if (area == 0) return intensities;
  std::vector<double> sums(channels, 0), squares(channels, 0);
  constexpr auto kInfinity = std::numeric_limits<double>::infinity();
  for (auto& intensity : intensities) intensity = {0, 0, kInfinity, -kInfinity};
  for_each_pixel([&](const Value* pixel) {
    for (int64_t c = 0; c < channels; ++c) {
      const auto value = static_cast<double>(pixel[c]);
      sums[c] += value;
      intensities[c].min = std::min(intensities[c].min, value);
      intensities[c].max = std::max(intensities[c].max, value);
    }
  });
  for (int64_t c = 0; c < channels; ++c) {
    intensities[c].mean = sums[c] / area;
    // A comparison with NaN is false, so the least and the largest value do not show it.
    if (std::isnan(sums[c])) intensities[c].min = intensities[c].max = kUndefined;
  }
  for_each_pixel([&](const Value* pixel) {
    for (int64_t c = 0; c < channels; ++c) {
      const auto off = static_cast<double>(pixel[c]) - intensities[c].mean;
      squares[c] += off * off;
    }
  });
  for (int64_t c = 0; c < channels; ++c) intensities[c].std = std::sqrt(squares[c] / area);
  return intensities;
}

}  // namespace

ObjectShape measure_shape(const Runs& runs) {
  ObjectShape shape;
  shape.area = static_cast<double>(area_of(runs));
  if (shape.area == 0) return shape;
  const RunColumns columns(runs);
  const auto [left, top, width, height] = box_of(runs);
  const auto moments = moments_of(columns, shape.area);
  const auto hull = convex_hull_of(columns);
  shape.area_convex = static_cast<double>(hull.area);
  shape.perimeter = perimeter_of(columns);
  shape.centroid_0 = moments.centroid_row;
  shape.centroid_1 = moments.centroid_column;
  shape.bbox_0 = static_cast<double>(top);
  shape.bbox_1 = static_cast<double>(left);
  shape.bbox_2 = static_cast<double>(top + height);
  shape.bbox_3 = static_cast<double>(left + width);
  measure_ellipse(moments, shape);
  shape.solidity = shape.area / shape.area_convex;
  shape.extent = shape.area / static_cast<double>(width * height);
  shape.feret_diameter_max = hull.feret_diameter_max;
  shape.equivalent_diameter_area = std::sqrt(4 * shape.area / std::numbers::pi);
  count_parts(columns, shape);
  const bool is_inside =
      left > 0 && top > 0 && left + width < runs.width && top + height < runs.height;
  shape.touches_border = is_inside ? 0 : 1;
  return shape;
}

std::vector<Intensity> measure_intensities(const Runs& runs, const Pixels& pixels) {
  return std::visit(
      [&](auto data) { return intensities_in(runs, data, pixels.channels); }, pixels.data);
}

}  // namespace maskrcnn::ops
