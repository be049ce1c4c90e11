#include "ops/rle_polygon.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "aten.h"

namespace maskrcnn::ops {
namespace {

constexpr double kScale = 5;  // grid points per pixel
constexpr int kFurthest = 1 << 20;

struct GridPoint {
  int x, y;
};

// Truncates, as cocoapi does. For coordinates below 0 this is not rounding.
int rounded(double value) {
  return static_cast<int>(value + 0.5);
}

// Calls visit(point) for every grid point from `from` to `to`, both included, with one point per
// step along the longer axis.
template <typename Visit>
void trace_edge(GridPoint from, GridPoint to, Visit visit) {
  const int dx = std::abs(to.x - from.x), dy = std::abs(to.y - from.y);
  const bool flat = dx >= dy;
  const int steps = flat ? dx : dy;
  if (steps == 0) {
    visit(from);
    return;
  }
  // Always computed from the lower end, so that polygons with a common edge get the same points on
  // it.
  const bool flipped = flat ? from.x > to.x : from.y > to.y;
  const auto& low = flipped ? to : from;
  const auto& high = flipped ? from : to;
  const double slope =
      static_cast<double>(flat ? high.y - low.y : high.x - low.x) / static_cast<double>(steps);
  for (int i = 0; i <= steps; ++i) {
    const int t = flipped ? steps - i : i;
    visit(
        flat ? GridPoint{low.x + t, rounded(low.y + slope * t)}
             : GridPoint{rounded(low.x + slope * t), low.y + t});
  }
}

// The mask changes its value where the outline crosses the centre line of a column of pixels. This
// class collects these crossings as positions in column-major order.
class Crossings {
 public:
  Crossings(int64_t width, int64_t height) : width_(width), height_(height) {}

  void move_to(GridPoint point) {
    if (started_ && point.x != last_.x) cross(point);
    last_ = point;
    started_ = true;
  }

  std::vector<uint32_t> take() { return std::move(positions_); }

 private:
  void cross(GridPoint point) {
    const double x = to_pixels(point.x < last_.x ? point.x : point.x - 1);
    if (std::floor(x) != x || x < 0 || x > static_cast<double>(width_ - 1)) return;
    const double y = to_pixels(std::min(point.y, last_.y));
    const double row = std::ceil(std::clamp(y, 0.0, static_cast<double>(height_)));
    positions_.push_back(
        static_cast<uint32_t>(static_cast<int64_t>(x) * height_ + static_cast<int64_t>(row)));
  }

  static double to_pixels(int grid) { return (grid + 0.5) / kScale - 0.5; }

  int64_t width_, height_;
  bool started_ = false;
  GridPoint last_{};
  std::vector<uint32_t> positions_;
};

}  // namespace

Runs runs_of_polygon(const double* points, int64_t count, int64_t width, int64_t height) {
  TORCH_CHECK(count >= 3, "A polygon must have three points or more, got ", count, ".");
  std::vector<GridPoint> corners;
  for (int64_t i = 0; i < count; ++i) {
    const double x = points[2 * i], y = points[2 * i + 1];
    TORCH_CHECK(
        std::abs(x) <= kFurthest && std::abs(y) <= kFurthest,  // false for NaN
        "The points of a polygon must be finite and within ",
        kFurthest,
        " pixels, got (",
        x,
        ", ",
        y,
        ").");
    corners.push_back({rounded(kScale * x), rounded(kScale * y)});
  }
  Crossings crossings(width, height);
  for (size_t i = 0; i < corners.size(); ++i) {
    trace_edge(corners[i], corners[(i + 1) % corners.size()], [&](GridPoint point) {
      crossings.move_to(point);
    });
  }
  auto positions = crossings.take();
  std::sort(positions.begin(), positions.end());
  positions.push_back(static_cast<uint32_t>(width * height));
  for (size_t i = positions.size(); i-- > 1;) positions[i] -= positions[i - 1];
  return to_runs(positions, width, height);
}

}  // namespace maskrcnn::ops
