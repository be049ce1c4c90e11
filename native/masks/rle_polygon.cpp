#include "masks/rle_polygon.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "aten.h"

namespace maskrcnn::ops {
namespace {

constexpr int64_t kScale = 5;   // grid points per pixel
constexpr int64_t kCentre = 2;  // the last of them before the centre of pixel 0
constexpr int kFurthest = 1 << 20;

struct GridPoint {
  int x, y;
};

// Truncates, as cocoapi does. For coordinates below 0 this is not rounding.
int rounded(double value) {
  return static_cast<int>(value + 0.5);
}

// A line from one corner to the next, in steps of one grid point along its longer axis.
class Edge {
 public:
  // Always computed from the lower end, so that polygons with a common edge get the same points on
  // it.
  Edge(GridPoint from, GridPoint to) : flat_(std::abs(to.x - from.x) >= std::abs(to.y - from.y)) {
    const bool flipped = flat_ ? from.x > to.x : from.y > to.y;
    low_ = flipped ? to : from;
    const auto& high = flipped ? from : to;
    steps_ = flat_ ? high.x - low_.x : high.y - low_.y;
    slope_ = steps_ == 0 ? 0
                         : static_cast<double>(flat_ ? high.y - low_.y : high.x - low_.x) /
                               static_cast<double>(steps_);
    left_ = std::min(from.x, to.x);
    right_ = std::max(from.x, to.x);
  }

  int left() const { return left_; }
  int right() const { return right_; }

  // The smaller y of the two neighbouring points of the edge at grid columns x - 1 and x, where
  // left() < x <= right() and x > 0.
  int y_at_crossing(int x) const {
    if (flat_) return std::min(y_at(x - 1), y_at(x));
    return low_.y + first_step_across(x) - 1;
  }

 private:
  int y_at(int x) const { return rounded(low_.y + slope_ * (x - low_.x)); }
  int x_at(int step) const { return rounded(low_.x + slope_ * step); }

  // For a steep edge: the first step at which it has reached grid column x, or has left it if it
  // goes to the left.
  int first_step_across(int x) const {
    const bool rightwards = slope_ > 0;
    const auto across = [&](int step) { return (x_at(step) >= x) == rightwards; };
    // Rounding may put the estimate off by a step.
    const auto estimate = std::clamp<double>((x - 0.5 - low_.x) / slope_, 1, steps_);
    int step = static_cast<int>(estimate);
    while (step > 1 && across(step - 1)) --step;
    while (step < steps_ && !across(step)) ++step;
    return step;
  }

  bool flat_;
  GridPoint low_{};
  int steps_;
  double slope_;
  int left_, right_;
};

// Appends the positions, in column-major order, at which the edge crosses the centre line of a
// column of pixels: there the mask changes its value.
void add_crossings(
    const Edge& edge, int64_t width, int64_t height, std::vector<uint32_t>& positions) {
  // The centre of column c lies between the grid columns kCentre + kScale c and the next.
  const auto first = std::max<int64_t>(0, at::divup(edge.left() - kCentre, kScale));
  const auto end = std::min<int64_t>(width, at::divup(edge.right() - kCentre, kScale));
  for (auto column = first; column < end; ++column) {
    const int grid_y = edge.y_at_crossing(static_cast<int>(kCentre + kScale * column + 1));
    const double y = (grid_y + 0.5) / static_cast<double>(kScale) - 0.5;
    const double row = std::ceil(std::clamp(y, 0.0, static_cast<double>(height)));
    positions.push_back(static_cast<uint32_t>(column * height + static_cast<int64_t>(row)));
  }
}

}  // namespace

namespace {

// Appends the crossings of one closed ring.
void add_ring(
    const double* points,
    int64_t count,
    int64_t width,
    int64_t height,
    std::vector<uint32_t>& positions) {
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
    corners.push_back(
        {rounded(static_cast<double>(kScale) * x), rounded(static_cast<double>(kScale) * y)});
  }
  for (size_t i = 0; i < corners.size(); ++i) {
    const Edge edge(corners[i], corners[(i + 1) % corners.size()]);
    add_crossings(edge, width, height, positions);
  }
}

}  // namespace

Runs runs_of_rings(
    const double* points, const std::vector<int32_t>& ends, int64_t width, int64_t height) {
  std::vector<uint32_t> positions;
  int32_t start = 0;
  for (const auto end : ends) {
    const auto numbers = end - start;
    TORCH_CHECK(numbers % 2 == 0, "A polygon must have as many x as y, got ", numbers, " numbers.");
    add_ring(points + start, numbers / 2, width, height, positions);
    start = end;
  }
  std::sort(positions.begin(), positions.end());
  positions.push_back(static_cast<uint32_t>(width * height));
  for (size_t i = positions.size(); i-- > 1;) positions[i] -= positions[i - 1];
  return to_runs(positions, width, height);
}

}  // namespace maskrcnn::ops
