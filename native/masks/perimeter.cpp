#include "masks/perimeter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace maskrcnn::ops {
namespace {

// Weights of a border pixel by its neighbours on the border: [with a common side][at corners].
// Pixels of which the pattern says nothing count 0: such as those at the end of a line.
constexpr double kStraight = 1, kDiagonal = 1.4142135623730951, kMixed = (1 + kDiagonal) / 2;
constexpr std::array<std::array<double, 5>, 5> kBorderWeights{
    {{0, 0, kDiagonal, 0, 0},
     {0, kMixed, kMixed, kDiagonal, 0},
     {kStraight, kStraight, kStraight, 0, 0},
     {kStraight, kStraight, kStraight, 0, 0},
     {0, 0, 0, 0, 0}}};

// Appends the rows that are in `rows` and in both of the other columns.
void intersect(
    const Segment& rows,
    std::span<const Segment> left,
    std::span<const Segment> right,
    std::vector<Segment>& common) {
  const auto at_row = [](std::span<const Segment> segments, int32_t row) {
    return std::ranges::upper_bound(segments, row, {}, &Segment::bottom);
  };
  auto l = at_row(left, rows.top);
  auto r = at_row(right, rows.top);
  while (l != left.end() && r != right.end()) {
    const auto top = std::max({rows.top, l->top, r->top});
    const auto bottom = std::min({rows.bottom, l->bottom, r->bottom});
    if (top >= rows.bottom) return;
    if (top < bottom) common.push_back({top, bottom});
    if (l->bottom < r->bottom) {
      ++l;
    } else {
      ++r;
    }
  }
}

// The border pixels of a column, as segments. Those that are left out have all four neighbours.
std::vector<Segment> border_of(const RunColumns& columns, int64_t column) {
  std::vector<Segment> border, inner;
  for (const auto& segment : columns[column]) {
    inner.clear();
    const Segment without_ends{segment.top + 1, segment.bottom - 1};
    intersect(without_ends, columns[column - 1], columns[column + 1], inner);
    auto top = segment.top;
    for (const auto& gap : inner) {
      border.push_back({top, gap.top});
      top = gap.bottom;
    }
    border.push_back({top, segment.bottom});
  }
  // Two inner segments can touch, where a column beside them has two segments that do not.
  std::erase_if(border, [](const Segment& segment) { return segment.top == segment.bottom; });
  return border;
}

// Three neighbouring columns of the border as bytes, of which only the border's own are written.
class BorderWindow {
 public:
  BorderWindow(int32_t top, int32_t bottom) : top_(top - 1) {
    for (auto& column : bytes_) column.assign(bottom - top + 2, 0);
  }

  // Moves on by one column.
  void push(std::vector<Segment> border) {
    fill(segments_[0], bytes_[0], 0);
    std::ranges::rotate(bytes_, bytes_.begin() + 1);
    std::ranges::rotate(segments_, segments_.begin() + 1);
    segments_[2] = std::move(border);
    fill(segments_[2], bytes_[2], 1);
  }

  // The weights of the border pixels of the middle column.
  double weigh() const {
    const auto *left = bytes_[0].data(), *middle = bytes_[1].data(), *right = bytes_[2].data();
    double sum = 0;
    for (const auto& [top, bottom] : segments_[1]) {
      for (auto i = top - top_; i < bottom - top_; ++i) {
        const auto sides = middle[i - 1] + middle[i + 1] + left[i] + right[i];
        const auto corners = left[i - 1] + left[i + 1] + right[i - 1] + right[i + 1];
        sum += kBorderWeights[sides][corners];
      }
    }
    return sum;
  }

 private:
  void fill(const std::vector<Segment>& segments, std::vector<uint8_t>& bytes, uint8_t value) {
    for (const auto& [top, bottom] : segments) {
      std::fill(bytes.begin() + (top - top_), bytes.begin() + (bottom - top_), value);
    }
  }

  int32_t top_;  // the row of the first byte: one above the object
  std::array<std::vector<uint8_t>, 3> bytes_;
  std::array<std::vector<Segment>, 3> segments_;
};

}  // namespace

double perimeter_of(const RunColumns& columns) {
  auto top = INT32_MAX, bottom = 0;
  for (int64_t column = 0; column < columns.size(); ++column) {
    if (columns[column].empty()) continue;
    top = std::min(top, columns[column].front().top);
    bottom = std::max(bottom, columns[column].back().bottom);
  }
  if (bottom == 0) return 0;
  BorderWindow window(top, bottom);
  double perimeter = 0;
  for (int64_t column = 0; column <= columns.size(); ++column) {
    window.push(border_of(columns, column));
    perimeter += window.weigh();
  }
  return perimeter;
}

}  // namespace maskrcnn::ops
