#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ops/rle.h"

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

}  // namespace maskrcnn::ops
