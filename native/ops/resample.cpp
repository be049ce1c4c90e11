#include "ops/resample.h"

#include <algorithm>
#include <cmath>

namespace maskrcnn::ops {
namespace {

constexpr int kWeightBits = 10;
constexpr int32_t kOne = 1 << kWeightBits;

// Where a pixel of the result comes from: a point in 0..width and 0..height of the input.
struct Origin {
  double x, y;
  Tile tile;
  bool inside;
};

// Mirrors a coordinate into 0..size.
double fold(double value, double size, int32_t& tile) {
  if (value >= 0 && value < size) return value;
  const double turns = std::floor(value / size);
  tile = static_cast<int32_t>(turns);
  const double rest = std::clamp(value - turns * size, 0.0, size);
  return tile % 2 == 0 ? rest : size - rest;
}

// The weights of four neighbouring control points, for a point at `fraction` of the way from the
// second to the third.
std::array<double, 4> spline_weights(double fraction) {
  const double t = fraction, s = 1 - t;
  return {
      s * s * s / 6,
      (3 * t * t * t - 6 * t * t + 4) / 6,
      (3 * s * s * s - 6 * s * s + 4) / 6,
      t * t * t / 6};
}

// The displacement of the pixels of the result, row by row.
class Displacement {
 public:
  Displacement(const DisplacementGrid& grid, int64_t width)
      : grid_(grid), mixed_(2 * grid.columns) {
    for (int64_t x = 0; x < width; ++x) columns_.push_back(place(x));
  }

  void start_row(int64_t y) {
    const auto row = place(y);
    const auto stride = 2 * grid_.columns;
    const float* points = grid_.points.data() + row.first * stride;
    for (int64_t i = 0; i < stride; ++i) {
      mixed_[i] = row.weights[0] * points[i] + row.weights[1] * points[stride + i] +
                  row.weights[2] * points[2 * stride + i] + row.weights[3] * points[3 * stride + i];
    }
  }

  void add(int64_t x, Origin& origin) const {
    const auto& [first, weights] = columns_[x];
    const double* at = mixed_.data() + 2 * first;
    origin.x += weights[0] * at[0] + weights[1] * at[2] + weights[2] * at[4] + weights[3] * at[6];
    origin.y += weights[0] * at[1] + weights[1] * at[3] + weights[2] * at[5] + weights[3] * at[7];
  }

 private:
  struct Place {
    int64_t first;
    std::array<double, 4> weights;
  };

  Place place(int64_t pixel) const {
    const double at = (static_cast<double>(pixel) + 0.5) / grid_.spacing;
    const auto first = static_cast<int64_t>(at);
    return {first, spline_weights(at - static_cast<double>(first))};
  }

  const DisplacementGrid& grid_;
  std::vector<Place> columns_;
  std::vector<double> mixed_;  // the control points for the row, blended along y
};

// The means of squares of `side` x `side` pixels. The last squares of a row or column may be
// smaller.
struct Averaged {
  std::vector<uint8_t> data;
  int64_t width, height;

  Averaged(const PixelSpan& image, int64_t side)
      : width((image.width + side - 1) / side), height((image.height + side - 1) / side) {
    data.resize(width * height * 3);
    std::vector<int64_t> sums(width * 3);
    for (int64_t row = 0; row < height; ++row) {
      const auto begin = row * side, end = std::min(begin + side, image.height);
      std::fill(sums.begin(), sums.end(), 0);
      for (auto y = begin; y < end; ++y) {
        const uint8_t* pixel = image.data.data() + y * image.width * 3;
        for (int64_t x = 0; x < image.width; ++x) {
          for (int c = 0; c < 3; ++c) sums[x / side * 3 + c] += *pixel++;
        }
      }
      for (int64_t x = 0; x < width; ++x) {
        const auto count = (end - begin) * std::min(side, image.width - x * side);
        for (int c = 0; c < 3; ++c) {
          data[(row * width + x) * 3 + c] =
              static_cast<uint8_t>((sums[x * 3 + c] + count / 2) / count);
        }
      }
    }
  }
};

// Two neighbours along an axis, and the weight of the second in units of 1 / kOne.
struct Neighbours {
  int64_t low, high;
  int32_t weight;

  Neighbours(double at, int64_t size) {
    const double centred = at + 0.5;  // position between centres plus 1, so never negative
    const auto above = static_cast<int64_t>(centred);
    weight = static_cast<int32_t>((centred - static_cast<double>(above)) * kOne + 0.5);
    low = std::clamp<int64_t>(above - 1, 0, size - 1);
    high = std::min(above, size - 1);
  }
};

void sample(const PixelSpan& image, double x, double y, uint8_t* to) {
  const Neighbours across(x, image.width), down(y, image.height);
  const uint8_t* top = image.data.data() + down.low * image.width * 3;
  const uint8_t* bottom = image.data.data() + down.high * image.width * 3;
  const auto left = across.low * 3, right = across.high * 3;
  for (int c = 0; c < 3; ++c) {
    const int32_t above = top[left + c] * (kOne - across.weight) + top[right + c] * across.weight;
    const int32_t below =
        bottom[left + c] * (kOne - across.weight) + bottom[right + c] * across.weight;
    const int32_t sum = above * (kOne - down.weight) + below * down.weight;
    to[c] = static_cast<uint8_t>((sum + (1 << (2 * kWeightBits - 1))) >> (2 * kWeightBits));
  }
}

}  // namespace

Resampled resample(const PixelSpan& image, const MaskSpans& masks, const ResampleOptions& options) {
  const auto [width, height, m, grid, fill, shrink] = options;
  const InstancePlanes planes(masks, image.width, image.height);
  MaskCollector collector(planes, width, height);
  std::optional<Averaged> averaged;
  if (shrink > 1) averaged.emplace(image, shrink);
  const auto source =
      averaged ? PixelSpan{averaged->data, averaged->width, averaged->height} : image;
  std::optional<Displacement> displacement;
  if (grid) displacement.emplace(*grid, width);

  const auto columns = static_cast<double>(image.width), rows = static_cast<double>(image.height);
  const double scale = 1 / static_cast<double>(shrink);
  std::vector<uint8_t> pixels(width * height * 3);
  std::vector<Origin> origins(width);
  for (int64_t row = 0; row < height; ++row) {
    const double y = static_cast<double>(row) + 0.5;
    if (displacement) displacement->start_row(row);
    for (int64_t column = 0; column < width; ++column) {
      const double x = static_cast<double>(column) + 0.5;
      Origin origin{
          m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5], Tile{}, /*inside=*/true};
      if (displacement) displacement->add(column, origin);
      origin.x = fold(origin.x, columns, origin.tile.x);
      origin.y = fold(origin.y, rows, origin.tile.y);
      if (fill) origin.inside = origin.tile == Tile{};
      origins[column] = origin;
    }
    uint8_t* to = pixels.data() + row * width * 3;
    for (const auto& origin : origins) {
      if (origin.inside) {
        sample(source, origin.x * scale, origin.y * scale, to);
      } else {
        std::copy(fill->begin(), fill->end(), to);
      }
      to += 3;
    }
    for (size_t p = 0; p < planes.size(); ++p) {
      const auto* ids = planes.plane(p);
      for (int64_t column = 0; column < width; ++column) {
        const auto& origin = origins[column];
        if (!origin.inside) continue;
        const auto x = std::min(static_cast<int64_t>(origin.x), image.width - 1);
        const auto y = std::min(static_cast<int64_t>(origin.y), image.height - 1);
        collector.set(p, row * width + column, ids[y * image.width + x], origin.tile);
      }
    }
  }
  return {std::move(pixels), collector.collect()};
}

}  // namespace maskrcnn::ops
