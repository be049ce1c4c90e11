#include "masks/simplify.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace maskrcnn::ops {
namespace {

class RingSimplifier {
 public:
  RingSimplifier(std::span<const int32_t> ring, double tolerance)
      : ring_(ring), count_(ring.size() / 2), limit_(tolerance * tolerance), kept_(count_, false) {}

  std::vector<int32_t> simplify() {
    const auto furthest = furthest_between(0, count_).first;  // both ends are the first point
    kept_[0] = kept_[furthest] = true;
    // A stack instead of recursion, which could go as deep as the ring is long.
    std::vector<std::pair<size_t, size_t>> lines{{0, furthest}, {furthest, count_}};
    while (!lines.empty()) {
      const auto [from, to] = lines.back();
      lines.pop_back();
      if (to - from < 2) continue;
      const auto [point, distance] = furthest_between(from, to);
      if (distance <= limit_) continue;
      kept_[point] = true;
      lines.emplace_back(from, point);
      lines.emplace_back(point, to);
    }
    std::vector<int32_t> simplified;
    for (size_t i = 0; i < count_; ++i) {
      if (kept_[i]) simplified.insert(simplified.end(), {ring_[2 * i], ring_[2 * i + 1]});
    }
    return simplified;
  }

 private:
  double x(size_t point) const { return ring_[2 * (point % count_)]; }
  double y(size_t point) const { return ring_[2 * (point % count_) + 1]; }

  // The point between two others that is furthest from the line between them, and the square of its
  // distance. Of equally far ones, the one nearest to the middle: else the teeth of a comb would be
  // split off one by one, in quadratic time.
  std::pair<size_t, double> furthest_between(size_t from, size_t to) const {
    const auto dx = x(to) - x(from), dy = y(to) - y(from), length = dx * dx + dy * dy;
    const auto off_middle = [&](size_t point) {
      return std::abs(static_cast<int64_t>(2 * point) - static_cast<int64_t>(from + to));
    };
    size_t furthest = from + 1;
    double most = -1;
    for (auto point = from + 1; point < to; ++point) {
      const auto px = x(point) - x(from), py = y(point) - y(from);
      const auto along = length == 0 ? 0 : std::clamp((px * dx + py * dy) / length, 0.0, 1.0);
      const auto off_x = px - along * dx, off_y = py - along * dy;
      const auto distance = off_x * off_x + off_y * off_y;
      if (distance < most) continue;
      if (distance == most && off_middle(point) >= off_middle(furthest)) continue;
      furthest = point;
      most = distance;
    }
    return {furthest, most};
  }

  std::span<const int32_t> ring_;
  size_t count_;
  double limit_;
  std::vector<bool> kept_;
};

// Twice the area; negative if the ring goes round the other way.
double doubled_area(std::span<const int32_t> ring) {
  double sum = 0;
  for (size_t i = 0; i < ring.size(); i += 2) {
    const auto next = (i + 2) % ring.size();
    sum += static_cast<double>(ring[i]) * ring[next + 1];
    sum -= static_cast<double>(ring[next]) * ring[i + 1];
  }
  return sum;
}

}  // namespace

void append_simplified(
    std::span<const int32_t> ring, double tolerance, std::vector<int32_t>& points) {
  const auto append = [&](std::span<const int32_t> kept) {
    points.insert(points.end(), kept.begin(), kept.end());
  };
  if (tolerance == 0) return append(ring);
  const auto simplified = RingSimplifier(ring, tolerance).simplify();
  const bool has_area = doubled_area(simplified) * doubled_area(ring) > 0;
  append(simplified.size() >= 6 && has_area ? simplified : ring);
}

}  // namespace maskrcnn::ops
