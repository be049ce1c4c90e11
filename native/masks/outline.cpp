#include "masks/outline.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "aten.h"
#include "masks/disjoint_sets.h"
#include "masks/run_columns.h"
#include "masks/simplify.h"

// Goes over the mask once, column by column, and keeps two columns at a time. Where the pixels on
// the two sides of a line x = const differ, there is a vertical edge. Its two corners are
// neighbours in the list of corners. A horizontal edge goes on through the columns until the
// segment above or below it ends; then its two corners are linked. So each corner has one vertical
// and one horizontal neighbour, and the rings are the cycles of this graph. Time and memory follow
// the number of segments, not of pixels.

namespace maskrcnn::ops {
namespace {

constexpr int32_t kNone = -1;

// A segment with the part it belongs to, and the corners at which the horizontal edges at its top
// and bottom began.
struct OutlinedSegment {
  int32_t top, bottom;
  int32_t part;
  int32_t corner_at_top = kNone, corner_at_bottom = kNone;

  int32_t y(size_t end) const { return end % 2 == 0 ? top : bottom; }
  int32_t& corner(size_t end) { return end % 2 == 0 ? corner_at_top : corner_at_bottom; }
};
using OutlinedColumn = std::vector<OutlinedSegment>;

struct OutlineRing {
  int32_t polygon;
  size_t start, end;  // in a list of points
};

class BorderFollower {
 public:
  explicit BorderFollower(const Runs& runs) {
    OutlinedColumn left, right;
    int64_t last = kNone;
    for_each_column(runs, [&](int64_t column, const std::vector<Segment>& segments) {
      if (column != last + 1) {
        OutlinedColumn empty;
        add_corners(left, empty, last + 1);
        left.clear();
      }
      right.clear();
      for (const auto& [top, bottom] : segments) right.push_back({top, bottom, kNone});
      find_parts(left, right);
      add_corners(left, right, column);
      std::swap(left, right);
      last = column;
    });
    right.clear();
    add_corners(left, right, last + 1);
    separate_background();
  }

  // Follows all rings in the order of their first corners.
  std::vector<OutlineRing> follow(std::vector<int32_t>& points) {
    std::vector<OutlineRing> rings;
    std::vector<int32_t> polygons(parts_.size(), kNone);
    int32_t count = 0;
    for (size_t corner = 0; corner < parts_of_.size(); ++corner) {
      if (parts_of_[corner] == kNone) continue;
      auto& polygon = polygons[parts_.root(parts_of_[corner])];
      const bool is_outer = polygon == kNone;  // nothing of the part is further to the left
      if (is_outer) polygon = count++;
      const auto start = points.size();
      follow_ring(static_cast<int32_t>(corner), is_outer, points);
      rings.push_back({polygon, start, points.size()});
    }
    return rings;
  }

 private:
  // Gives each segment on the right the part of the segments that it touches on the left.
  void find_parts(const OutlinedColumn& left, OutlinedColumn& right) {
    size_t first = 0;
    for (auto& segment : right) {
      while (first < left.size() && left[first].bottom <= segment.top) ++first;
      for (auto i = first; i < left.size() && left[i].top < segment.bottom; ++i) {
        segment.part = segment.part == kNone ? parts_.root(left[i].part)
                                             : parts_.join(segment.part, left[i].part);
      }
      if (segment.part == kNone) segment.part = parts_.add();
    }
  }

  // Adds the corners on the line between two columns, downwards.
  void add_corners(OutlinedColumn& left, OutlinedColumn& right, int64_t x) {
    constexpr auto kBelowAll = std::numeric_limits<int32_t>::max();
    size_t i = 0, j = 0;  // ends of segments: two for each
    while (i < 2 * left.size() || j < 2 * right.size()) {
      const auto left_y = i < 2 * left.size() ? left[i / 2].y(i) : kBelowAll;
      const auto right_y = j < 2 * right.size() ? right[j / 2].y(j) : kBelowAll;
      const auto end_left = [&] {
        const auto& part = left[i / 2].part;
        link(add_corner(x, left_y, part), left[i / 2].corner(i));
      };
      const auto begin_right = [&] {
        right[j / 2].corner(j) = add_corner(x, right_y, right[j / 2].part);
      };
      if (left_y < right_y) {
        end_left();
      } else if (right_y < left_y) {
        begin_right();
      } else if (i % 2 == j % 2) {
        right[j / 2].corner(j) = left[i / 2].corner(i);  // the edge goes straight on
      } else {
        // Two pixels touch here at a corner only. The first of the two corners ends the vertical
        // edge from above, the second one begins that to below. Each ring goes round its own pixel.
        touching_.push_back(static_cast<int32_t>(parts_of_.size()));
        const bool left_is_above = i % 2 == 1;
        if (left_is_above) end_left();
        begin_right();
        if (!left_is_above) end_left();
      }
      if (left_y <= right_y) ++i;
      if (right_y <= left_y) ++j;
    }
  }

  int32_t add_corner(int64_t x, int32_t y, int32_t part) {
    TORCH_CHECK(
        parts_of_.size() < static_cast<size_t>(std::numeric_limits<int32_t>::max()) / 2,
        "The outline of a mask must have fewer than 2^30 corners.");
    corners_.push_back({static_cast<int32_t>(x), y});
    links_.push_back(kNone);
    parts_of_.push_back(part);
    return static_cast<int32_t>(parts_of_.size()) - 1;
  }

  void link(int32_t a, int32_t b) {
    links_[a] = b;
    links_[b] = a;
  }

  // Where two pixels of one part touch at a corner, exchanges the horizontal edges of the two
  // rings: else a ring would touch itself there, and few programs accept that. The background is
  // cut instead, so the part gets a hole. Two parts stay apart.
  void separate_background() {
    for (const auto first : touching_) {
      const auto second = first + 1;
      if (parts_.root(parts_of_[first]) != parts_.root(parts_of_[second])) continue;
      const auto after_first = links_[first], after_second = links_[second];
      link(first, after_second);
      link(second, after_first);
    }
  }

  // The first corner of a ring is its topmost one on the left. A clockwise ring goes on to the
  // right, the other one downwards.
  void follow_ring(int32_t first, bool clockwise, std::vector<int32_t>& points) {
    auto corner = first;
    for (bool horizontal = clockwise;; horizontal = !horizontal) {
      points.push_back(corners_[corner].x);
      points.push_back(corners_[corner].y);
      parts_of_[corner] = kNone;
      corner = horizontal ? links_[corner] : corner ^ 1;
      if (corner == first) return;
    }
  }

  struct Corner {
    int32_t x, y;
  };
  std::vector<Corner> corners_;    // 2k and 2k + 1 are the ends of a vertical edge
  std::vector<int32_t> links_;     // the other end of each corner's horizontal edge
  std::vector<int32_t> parts_of_;  // the part of each corner; none once it was followed
  std::vector<int32_t> touching_;  // the first of each two corners where pixels touch at a corner
  DisjointSets parts_;
};

}  // namespace

Outlines outlines_of(const Runs& runs, double tolerance) {
  constexpr int64_t kFurthest = std::numeric_limits<int32_t>::max() - 1;
  TORCH_CHECK(
      runs.width <= kFurthest && runs.height <= kFurthest,
      "A mask must have sides of less than 2^31 pixels, got ",
      runs.width,
      " x ",
      runs.height,
      ".");
  std::vector<int32_t> followed;
  auto rings = BorderFollower(runs).follow(followed);
  // A part's outer ring is the first of its rings.
  std::ranges::stable_sort(rings, {}, &OutlineRing::polygon);
  Outlines outlines;
  outlines.points.reserve(followed.size());
  for (size_t i = 0; i < rings.size(); ++i) {
    const auto& [polygon, start, end] = rings[i];
    append_simplified({followed.data() + start, end - start}, tolerance, outlines.points);
    outlines.ends.push_back(static_cast<int32_t>(outlines.points.size()));
    const bool is_last = i + 1 == rings.size() || rings[i + 1].polygon != polygon;
    if (is_last) outlines.polygons.push_back(static_cast<int32_t>(i + 1));
  }
  return outlines;
}

}  // namespace maskrcnn::ops
