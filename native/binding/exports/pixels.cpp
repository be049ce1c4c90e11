#include "binding/exports/pixels.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "binding/conversion/arguments.h"
#include "binding/conversion/results.h"
#include "binding/worker/checked.h"
#include "binding/worker/run_on_pool.h"
#include "ops/color.h"
#include "ops/resample.h"

// Arguments are copied before the call returns. Results are copied on the JavaScript thread.

namespace maskrcnn::binding {
namespace {

// Larger coordinates have no use, and their rounding would be visible.
constexpr double kFurthestCoordinate = 1 << 24;

struct OwnedImage {
  std::vector<uint8_t> data;
  int64_t width, height;

  explicit OwnedImage(const Napi::Value& value) {
    const auto image = read_object(value, "image");
    width = read_size(image.Get("width"), "image.width");
    height = read_size(image.Get("height"), "image.height");
    const auto bytes = read_bytes(image.Get("data"), "image.data");
    const auto expected = checked_product(value.Env(), {width, height, 3}, "The image");
    check_length(value.Env(), bytes.length, expected, "image.data");
    data = copy(bytes);
  }
};

struct OwnedMasks {
  std::vector<int32_t> rects;
  std::vector<uint8_t> data;

  OwnedMasks(const Napi::Value& value, const OwnedImage& image) {
    const auto env = value.Env();
    const auto masks = read_object(value, "masks");
    const auto rows = read_integers(masks.Get("maskRects"), "maskRects");
    const auto count = count_rows(env, rows.length, 4, "maskRects");
    int64_t pixels = 0;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t left = rows.data[4 * i], top = rows.data[4 * i + 1];
      const int64_t width = rows.data[4 * i + 2], height = rows.data[4 * i + 3];
      const bool inside = left >= 0 && top >= 0 && width >= 0 && height >= 0 &&
                          left + width <= image.width && top + height <= image.height;
      if (!inside) {
        throw Napi::RangeError::New(
            env, "Rectangle " + std::to_string(i) + " of maskRects must lie inside the image.");
      }
      pixels += width * height;
    }
    const auto bytes = read_bytes(masks.Get("maskData"), "maskData");
    check_length(env, bytes.length, pixels, "maskData");
    rects = copy(rows);
    data = copy(bytes);
  }
};

struct OwnedGrid {
  int64_t columns, rows;
  double spacing;
  std::vector<float> points;

  OwnedGrid(const Napi::Value& value, int64_t width, int64_t height) {
    const auto env = value.Env();
    const auto grid = read_object(value, "grid");
    spacing = read_number(grid.Get("spacing"), "grid.spacing");
    if (spacing < 1) refuse_value(env, "grid.spacing", "at least 1", spacing);
    columns = read_size(grid.Get("columns"), "grid.columns");
    rows = read_size(grid.Get("rows"), "grid.rows");
    check_reach(env, columns, width, "grid.columns");
    check_reach(env, rows, height, "grid.rows");
    const auto numbers = read_finite_floats(grid.Get("points"), "grid.points");
    const auto expected = checked_product(env, {columns, rows, 2}, "The grid");
    check_length(env, numbers.length, expected, "grid.points");
    points = copy(numbers);
  }

  double furthest() const {
    float most = 0;
    for (const auto value : points) most = std::max(most, std::abs(value));
    return most;
  }

 private:
  // The last pixel must lie between the second and the third of four control points.
  void check_reach(Napi::Env env, int64_t count, int64_t pixels, const char* name) const {
    const auto needed = static_cast<int64_t>((static_cast<double>(pixels) - 0.5) / spacing) + 4;
    if (count >= needed) return;
    refuse_value(env, name, "at least " + std::to_string(needed), static_cast<double>(count));
  }
};

std::optional<std::array<uint8_t, 3>> read_fill(const Napi::Value& value) {
  if (value.IsNull()) return std::nullopt;
  const auto list = read_object(value, "fill");
  std::array<uint8_t, 3> fill{};
  for (uint32_t c = 0; c < 3; ++c) {
    const auto name = "fill[" + std::to_string(c) + "]";
    fill[c] = static_cast<uint8_t>(read_integer(list.Get(c), name, 0, 255));
  }
  return fill;
}

template <size_t count>
auto read_matrix(const Napi::Value& value) {
  const auto list = read_object(value, "matrix");
  std::array<double, count> matrix{};
  for (uint32_t i = 0; i < count; ++i) {
    matrix[i] = read_number(list.Get(i), "matrix[" + std::to_string(i) + "]");
  }
  return matrix;
}

void check_reach(Napi::Env env, const ops::ResampleOptions& options, double displacement) {
  const auto width = static_cast<double>(options.width);
  const auto height = static_cast<double>(options.height);
  for (int row = 0; row < 2; ++row) {
    const double* m = options.matrix.data() + 3 * row;
    const double furthest =
        std::abs(m[0]) * width + std::abs(m[1]) * height + std::abs(m[2]) + displacement;
    if (furthest <= kFurthestCoordinate) continue;
    const auto most = "at most " + std::to_string(static_cast<int64_t>(kFurthestCoordinate));
    refuse_value(env, "A coordinate that the map leads to", most, furthest);
  }
}

Napi::Value warp(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  OwnedImage image(info[0]);
  OwnedMasks masks(info[1], image);
  const auto given = read_object(info[2], "options");
  ops::ResampleOptions options{
      read_size(given.Get("width"), "width"),
      read_size(given.Get("height"), "height"),
      read_matrix<6>(given.Get("matrix")),
      std::nullopt,
      read_fill(given.Get("fill")),
      read_size(given.Get("shrink"), "shrink")};
  checked_product(env, {options.width, options.height, 3}, "The result");
  std::optional<OwnedGrid> grid;
  if (!given.Get("grid").IsNull()) {
    grid.emplace(given.Get("grid"), options.width, options.height);
  }
  check_reach(env, options, grid ? grid->furthest() : 0);
  return run_on_pool(
      env,
      [image = std::move(image), masks = std::move(masks), grid = std::move(grid), options] {
        auto complete = options;
        if (grid) {
          complete.grid =
              ops::DisplacementGrid{grid->columns, grid->rows, grid->spacing, grid->points};
        }
        return ops::resample(
            {image.data, image.width, image.height}, {masks.rects, masks.data}, complete);
      },
      [](Napi::Env env, ops::Resampled& resampled) -> Napi::Value {
        auto result = Napi::Object::New(env);
        auto& [pixels, masks] = resampled;
        result.Set("data", hand_over<Napi::Uint8Array>(env, std::move(pixels)));
        result.Set("sources", to_array<Napi::Int32Array>(env, masks.sources));
        result.Set("sourceAreas", to_array<Napi::Int32Array>(env, masks.source_areas));
        result.Set("areas", to_array<Napi::Int32Array>(env, masks.areas));
        result.Set("maskRects", to_array<Napi::Int32Array>(env, masks.rects));
        result.Set("maskData", hand_over<Napi::Uint8Array>(env, std::move(masks.data)));
        return result;
      });
}

template <std::vector<uint8_t> (*Adjust)(std::span<const uint8_t>, const ops::ColorMatrix&)>
Napi::Value adjust(const Napi::CallbackInfo& info) {
  const auto pixels = read_bytes(info[0], "pixels");
  count_rows(info.Env(), pixels.length, 3, "pixels");
  ops::ColorMatrix matrix;
  std::ranges::copy(read_matrix<12>(info[1]), matrix.begin());
  return run_on_pool(
      info.Env(),
      [pixels = copy(pixels), matrix] { return Adjust(pixels, matrix); },
      [](Napi::Env env, std::vector<uint8_t>& adjusted) -> Napi::Value {
        return hand_over<Napi::Uint8Array>(env, std::move(adjusted));
      });
}

}  // namespace

Napi::Object make_pixels(Napi::Env env) {
  auto exports = Napi::Object::New(env);
  exports.Set("warp", Napi::Function::New(env, checked<warp>, "warp"));
  exports.Set(
      "adjustColors",
      Napi::Function::New(env, checked<adjust<ops::adjust_colors>>, "adjustColors"));
  exports.Set(
      "adjustDensities",
      Napi::Function::New(env, checked<adjust<ops::adjust_densities>>, "adjustDensities"));
  return exports;
}

}  // namespace maskrcnn::binding
