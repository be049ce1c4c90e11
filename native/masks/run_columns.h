#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "masks/rle.h"

namespace maskrcnn::ops {

// Pixels of the object in one column, without a gap: rows top to bottom, exclusive.
struct Segment {
  int32_t top, bottom;
};

// Calls visit(column, segments) for each column that has pixels of the object, from left to right.
// The segments go down the column and do not touch.
template <typename Visit>
void for_each_column(const Runs& runs, Visit visit) {
  std::vector<Segment> segments;
  int64_t column = 0, position = 0;
  const auto flush = [&] {
    if (!segments.empty()) visit(column, segments);
    segments.clear();
  };
  for (size_t i = 0; i < runs.lengths.size(); ++i) {
    const auto end = position + runs.lengths[i];
    if (i % 2 == 0) position = end;
    while (position < end) {
      const auto at = position / runs.height, first = at * runs.height;
      if (at != column) flush();
      column = at;
      const auto bottom = std::min(end - first, runs.height);
      segments.push_back({static_cast<int32_t>(position - first), static_cast<int32_t>(bottom)});
      position = first + bottom;
    }
  }
  flush();
}

// All columns from the first one to the last one that has pixels of the object.
class RunColumns {
 public:
  explicit RunColumns(const Runs& runs) {
    for_each_column(runs, [&](int64_t column, const std::vector<Segment>& segments) {
      if (starts_.empty()) left_ = column;
      starts_.resize(column - left_ + 1, segments_.size());
      segments_.insert(segments_.end(), segments.begin(), segments.end());
    });
    starts_.push_back(segments_.size());
  }

  int64_t left() const { return left_; }
  int64_t size() const { return static_cast<int64_t>(starts_.size()) - 1; }
  // Counted from left(). There are no segments outside of 0..size() - 1.
  std::span<const Segment> operator[](int64_t column) const {
    if (column < 0 || column >= size()) return {};
    return {segments_.data() + starts_[column], starts_[column + 1] - starts_[column]};
  }

 private:
  int64_t left_ = 0;
  std::vector<Segment> segments_;
  std::vector<size_t> starts_;  // of each column in `segments_`, and the end
};

}  // namespace maskrcnn::ops
