#include "masks/rle.h"

#include <algorithm>
#include <cstring>

#include "aten.h"
#include "masks/run_list.h"

namespace maskrcnn::ops {
namespace {

// Iterates over the runs of a mask.
class RunCursor {
 public:
  explicit RunCursor(const Runs& runs)
      : next_(runs.lengths.begin()), end_(runs.lengths.end()), run_end_(*next_++) {}
  bool value() const { return value_; }
  int64_t run_end() const { return run_end_; }
  void skip_to(int64_t position) {
    while (run_end_ <= position && next_ != end_) {
      run_end_ += *next_++;
      value_ = !value_;
    }
  }

 private:
  std::vector<uint32_t>::const_iterator next_, end_;
  int64_t run_end_;
  bool value_ = false;
};

void check_sizes(const Runs& a, const Runs& b) {
  TORCH_CHECK(
      a.width == b.width && a.height == b.height,
      "Masks must be of one size, got ",
      a.width,
      " x ",
      a.height,
      " and ",
      b.width,
      " x ",
      b.height,
      ".");
}

Runs merge_two(const Runs& a, const Runs& b, bool intersect) {
  check_sizes(a, b);
  RunList merged;
  RunCursor in_a(a), in_b(b);
  const auto pixels = a.width * a.height;
  for (int64_t position = 0; position < pixels;) {
    in_a.skip_to(position);
    in_b.skip_to(position);
    const auto end = std::min(in_a.run_end(), in_b.run_end());
    const bool value = intersect ? in_a.value() && in_b.value() : in_a.value() || in_b.value();
    merged.add(value, end - position);
    position = end;
  }
  return {a.width, a.height, merged.take()};
}

// Calls visit(start, length) for each run of ones.
template <typename Visit>
void for_each_run(const Runs& runs, Visit visit) {
  int64_t position = 0;
  for (size_t i = 0; i < runs.lengths.size(); ++i) {
    if (i % 2 == 1) visit(position, static_cast<int64_t>(runs.lengths[i]));
    position += runs.lengths[i];
  }
}

// Sets the pixels of the object to 1 in a row-major bitmap of the rectangle that begins at (left,
// top) and contains the object.
void draw_runs(const Runs& runs, int64_t left, int64_t top, int64_t width, uint8_t* bitmap) {
  for_each_run(runs, [&](int64_t start, int64_t length) {
    auto column = start / runs.height, row = start % runs.height;
    while (length > 0) {
      const auto end = std::min(row + length, runs.height);
      auto* pixel = bitmap + (row - top) * width + column - left;
      length -= end - row;
      for (; row < end; ++row, pixel += width) *pixel = 1;
      ++column;
      row = 0;
    }
  });
}

}  // namespace

Runs encode_runs(
    const uint8_t* bitmap,
    int64_t left,
    int64_t top,
    int64_t width,
    int64_t height,
    int64_t image_width,
    int64_t image_height) {
  TORCH_CHECK(
      left >= 0 && top >= 0 && width >= 0 && height >= 0 && left + width <= image_width &&
          top + height <= image_height,
      "encode_runs: the crop must lie inside the image of ",
      image_width,
      " x ",
      image_height,
      " pixels, got left ",
      left,
      ", top ",
      top,
      ", width ",
      width,
      ", height ",
      height);
  RunList runs;
  if (width == 0 || height == 0) {
    runs.add(false, image_width * image_height);
    return {image_width, image_height, runs.take()};
  }
  runs.add(false, left * image_height);
  // Transposes a strip of columns at a time, so that source and target stay in the cache.
  constexpr int64_t kStrip = 32;
  std::vector<uint8_t> strip(kStrip * height);
  for (int64_t first = 0; first < width; first += kStrip) {
    const auto count = std::min(kStrip, width - first);
    for (int64_t y = 0; y < height; ++y) {
      const uint8_t* row = bitmap + y * width + first;
      for (int64_t x = 0; x < count; ++x) strip[x * height + y] = row[x] != 0 ? 1 : 0;
    }
    for (int64_t x = 0; x < count; ++x) {
      runs.add(false, top);
      const uint8_t* pixel = strip.data() + x * height;
      const uint8_t* end = pixel + height;
      while (pixel < end) {
        const uint8_t value = *pixel;
        const auto* change =
            static_cast<const uint8_t*>(std::memchr(pixel, value == 0 ? 1 : 0, end - pixel));
        if (change == nullptr) change = end;
        runs.add(value != 0, change - pixel);
        pixel = change;
      }
      runs.add(false, image_height - top - height);
    }
  }
  runs.add(false, (image_width - left - width) * image_height);
  return {image_width, image_height, runs.take()};
}

Runs to_runs(const std::vector<uint32_t>& lengths, int64_t width, int64_t height) {
  RunList runs;
  int64_t total = 0;
  for (size_t i = 0; i < lengths.size() && total <= width * height; ++i) {
    runs.add(i % 2 == 1, lengths[i]);
    total += lengths[i];
  }
  TORCH_CHECK(
      total == width * height,
      "Run lengths must add up to ",
      width * height,
      " pixels, got ",
      total,
      total > width * height ? " or more." : ".");
  return {width, height, runs.take()};
}

std::vector<uint8_t> decode_runs(const Runs& runs) {
  std::vector<uint8_t> bitmap(runs.width * runs.height, 0);
  draw_runs(runs, /*left=*/0, /*top=*/0, runs.width, bitmap.data());
  return bitmap;
}

Crop crop_runs(const Runs& runs) {
  const auto [left, top, width, height] = box_of(runs);
  Crop crop{left, top, width, height, std::vector<uint8_t>(width * height, 0)};
  draw_runs(runs, left, top, width, crop.bitmap.data());
  return crop;
}

int64_t area_of(const Runs& runs) {
  int64_t area = 0;
  for_each_run(runs, [&](int64_t, int64_t length) { area += length; });
  return area;
}

std::array<int64_t, 4> box_of(const Runs& runs) {
  if (runs.lengths.size() < 2) return {0, 0, 0, 0};
  int64_t left = runs.width, top = runs.height, right = 0, bottom = 0;
  for_each_run(runs, [&](int64_t start, int64_t length) {
    const auto last = start + length - 1;
    const auto first_column = start / runs.height, last_column = last / runs.height;
    left = std::min(left, first_column);
    right = std::max(right, last_column + 1);
    const bool turns = first_column < last_column;  // continues at the top of the next column
    top = turns ? 0 : std::min(top, start % runs.height);
    bottom = turns ? runs.height : std::max(bottom, last % runs.height + 1);
  });
  return {left, top, right - left, bottom - top};
}

Runs merge_runs(const std::vector<Runs>& masks, bool intersect) {
  TORCH_CHECK(!masks.empty(), "merge_runs: there must be one mask at least");
  // In pairs, then pairs of pairs: one after the other would take quadratic time.
  std::vector<Runs> merged;
  for (size_t i = 0; i + 1 < masks.size(); i += 2) {
    merged.push_back(merge_two(masks[i], masks[i + 1], intersect));
  }
  if (masks.size() % 2 == 1) merged.push_back(masks.back());
  return merged.size() == 1 ? std::move(merged.front()) : merge_runs(merged, intersect);
}

Runs runs_within(const Runs& runs, int64_t left, int64_t top, int64_t width, int64_t height) {
  RunList within;
  int64_t filled = 0;
  for_each_run(runs, [&](int64_t start, int64_t length) {
    const auto end = start + length;
    // Columns beside the rectangle can be many, and show nothing of it.
    for (auto column = std::max(start / runs.height, left);
         column * runs.height < end && column < left + width;
         ++column) {
      const auto first = column * runs.height;
      const auto from = std::max(std::max(start - first, int64_t{0}) - top, int64_t{0});
      const auto to = std::min(std::min(end - first, runs.height) - top, height);
      if (from >= to) continue;
      const auto place = (column - left) * height;
      within.add(false, place + from - filled);
      within.add(true, to - from);
      filled = place + to;
    }
  });
  within.add(false, width * height - filled);
  return {width, height, within.take()};
}

int64_t shared_area(const Runs& a, const Runs& b) {
  check_sizes(a, b);
  int64_t shared = 0;
  size_t in_a = 1, in_b = 1;  // runs of ones have odd indices
  if (a.lengths.size() < 2 || b.lengths.size() < 2) return 0;
  int64_t start_a = a.lengths[0], start_b = b.lengths[0];
  while (true) {
    const auto end_a = start_a + a.lengths[in_a], end_b = start_b + b.lengths[in_b];
    shared += std::max<int64_t>(0, std::min(end_a, end_b) - std::max(start_a, start_b));
    if (end_a <= end_b) {
      if (in_a + 2 >= a.lengths.size()) return shared;
      start_a = end_a + a.lengths[in_a + 1];
      in_a += 2;
    } else {
      if (in_b + 2 >= b.lengths.size()) return shared;
      start_b = end_b + b.lengths[in_b + 1];
      in_b += 2;
    }
  }
}

}  // namespace maskrcnn::ops
