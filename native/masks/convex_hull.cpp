#include "masks/convex_hull.h"

#include <algorithm>
#include <cmath>

// Coordinates are in half pixels, so that centres of pixels and middles of their sides are whole
// numbers, and every comparison is exact. The centre of a pixel is at (2 column, 2 row).

namespace maskrcnn::ops {
namespace {

struct HullPoint {
  int64_t x, y;
};

// The upper and the lower border of the hull, both from left to right. "Lower" has the larger y.
struct HullBorders {
  std::vector<HullPoint> upper, lower;
};

// The topmost and the bottommost pixel of a column.
struct Extent {
  int64_t column, top, bottom;  // inclusive
};

// Twice the area of a triangle; positive if it turns right, with y downwards.
int64_t turn_of(const HullPoint& a, const HullPoint& b, const HullPoint& c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

// Adds a point to one border, from left to right (Andrew's monotone chain). side: 1 for the upper
// border, -1 for the lower one.
void add_to_border(std::vector<HullPoint>& border, const HullPoint& point, int side) {
  if (!border.empty() && border.back().x == point.x) {
    if (side * (point.y - border.back().y) >= 0) return;
    border.pop_back();
  }
  while (border.size() >= 2 && side * turn_of(border.end()[-2], border.back(), point) <= 0) {
    border.pop_back();
  }
  border.push_back(point);
}

HullBorders borders_of(const std::vector<Extent>& extents) {
  HullBorders borders;
  const auto add = [&](int64_t x, int64_t top, int64_t bottom) {
    add_to_border(borders.upper, {x, top}, /*side=*/1);
    add_to_border(borders.lower, {x, bottom}, /*side=*/-1);
  };
  for (const auto& [column, top, bottom] : extents) {
    add(2 * column - 1, 2 * top, 2 * bottom);
    add(2 * column, 2 * top - 1, 2 * bottom + 1);
    add(2 * column + 1, 2 * top, 2 * bottom);
  }
  return borders;
}

int64_t floor_division(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

// Finds a border's y at growing x.
class BorderWalk {
 public:
  explicit BorderWalk(const std::vector<HullPoint>& border) : border_(border) {}

  // The largest row whose centre is at y or above it.
  int64_t row_at_or_above(int64_t x) {
    const auto [numerator, denominator] = y_at(x);
    return floor_division(numerator, 2 * denominator);
  }
  int64_t row_at_or_below(int64_t x) {
    const auto [numerator, denominator] = y_at(x);
    return -floor_division(-numerator, 2 * denominator);
  }

 private:
  struct Fraction {
    int64_t numerator, denominator;
  };
  Fraction y_at(int64_t x) {
    while (border_[next_].x < x) ++next_;
    const auto &a = border_[next_ - 1], &b = border_[next_];
    return {a.y * (b.x - a.x) + (b.y - a.y) * (x - a.x), b.x - a.x};
  }

  const std::vector<HullPoint>& border_;
  size_t next_ = 1;
};

double diameter_of(const HullBorders& borders) {
  int64_t most = 0;
  // The two ends of a diameter are corners of the hull. There are few: a disc of n pixels across
  // has about n^(2/3).
  auto corners = borders.upper;
  corners.insert(corners.end(), borders.lower.begin(), borders.lower.end());
  for (size_t i = 0; i < corners.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const auto dx = corners[i].x - corners[j].x, dy = corners[i].y - corners[j].y;
      most = std::max(most, dx * dx + dy * dy);
    }
  }
  return std::sqrt(static_cast<double>(most)) / 2;
}

}  // namespace

ConvexHull convex_hull_of(const RunColumns& columns) {
  std::vector<Extent> extents;
  for (int64_t column = 0; column < columns.size(); ++column) {
    const auto segments = columns[column];
    if (segments.empty()) continue;
    extents.push_back({column, segments.front().top, segments.back().bottom - 1});
  }
  const auto borders = borders_of(extents);
  BorderWalk upper(borders.upper), lower(borders.lower);
  int64_t area = 0;
  std::vector<Extent> filled;
  for (int64_t column = 0; column < columns.size(); ++column) {
    const auto top = upper.row_at_or_below(2 * column), bottom = lower.row_at_or_above(2 * column);
    if (top > bottom) continue;
    area += bottom - top + 1;
    filled.push_back({column, top, bottom});
  }
  // The added pixels reach beyond the hull that added them.
  return {area, diameter_of(borders_of(filled))};
}

}  // namespace maskrcnn::ops
