#include "binding/exports/measure.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "binding/conversion/arguments.h"
#include "binding/conversion/results.h"
#include "binding/worker/run_on_pool.h"
#include "masks/measure.h"
#include "masks/rle.h"

// All arguments but lent pixels are copied before the call returns.

namespace maskrcnn::binding {
namespace {

using ops::Intensity;
using ops::ObjectShape;

struct ShapeColumn {
  const char* name;
  double ObjectShape::*value;
};

constexpr ShapeColumn kShapeColumns[] = {
    {"area", &ObjectShape::area},
    {"area_convex", &ObjectShape::area_convex},
    {"perimeter", &ObjectShape::perimeter},
    {"centroid-0", &ObjectShape::centroid_0},
    {"centroid-1", &ObjectShape::centroid_1},
    {"bbox-0", &ObjectShape::bbox_0},
    {"bbox-1", &ObjectShape::bbox_1},
    {"bbox-2", &ObjectShape::bbox_2},
    {"bbox-3", &ObjectShape::bbox_3},
    {"axis_major_length", &ObjectShape::axis_major_length},
    {"axis_minor_length", &ObjectShape::axis_minor_length},
    {"orientation", &ObjectShape::orientation},
    {"eccentricity", &ObjectShape::eccentricity},
    {"solidity", &ObjectShape::solidity},
    {"extent", &ObjectShape::extent},
    {"feret_diameter_max", &ObjectShape::feret_diameter_max},
    {"equivalent_diameter_area", &ObjectShape::equivalent_diameter_area},
    {"euler_number", &ObjectShape::euler_number},
    {"parts", &ObjectShape::parts},
    {"holes", &ObjectShape::holes},
    {"touches_border", &ObjectShape::touches_border},
};

struct IntensityColumn {
  const char* name;
  double Intensity::*value;
};

constexpr IntensityColumn kIntensityColumns[] = {
    {"intensity_mean", &Intensity::mean},
    {"intensity_std", &Intensity::std},
    {"intensity_min", &Intensity::min},
    {"intensity_max", &Intensity::max},
};

struct MeasuredObjects {
  std::vector<ObjectShape> shapes;
  std::vector<std::vector<Intensity>> intensities;  // of each object and channel
  int64_t channels;
};
struct MalformedMask {
  size_t index;
  std::string fault;
};
using MeasureOutcome = std::variant<MeasuredObjects, MalformedMask>;

// Pixels, and what keeps their memory.
struct OwnedPixels {
  ops::Pixels pixels;
  std::shared_ptr<const void> owner;
};

OwnedPixels read_pixels(const Napi::Value& value, int64_t width, int64_t height) {
  const auto env = value.Env();
  const auto image = read_object(value, "image");
  const auto channels = read_size(image.Get("channels"), "image.channels");
  const auto expected = checked_product(env, {width, height, channels}, "The image");
  const bool is_lent = image.Get("lent").ToBoolean();
  OwnedPixels owned{{{}, width, height, channels}, nullptr};
  const auto data = image.Get("data");
  const auto take = [&]<typename T>(const ArrayView<T>& view) {
    check_length(env, view.length, expected, "image.data");
    if (is_lent) {
      owned.pixels.data = std::span<const T>(view.data, view.length);
      owned.owner = hold(data);
    } else {
      const auto copied = std::make_shared<const std::vector<T>>(copy(view));
      owned.pixels.data = std::span<const T>(*copied);
      owned.owner = copied;
    }
  };
  const bool is_typed = data.IsTypedArray();
  const auto type = is_typed ? data.As<Napi::TypedArray>().TypedArrayType() : napi_uint8_array;
  if (type == napi_float32_array) {
    take(read_floats(data, "image.data"));
  } else if (type == napi_uint16_array) {
    const auto array = data.As<Napi::Uint16Array>();
    take(ArrayView<uint16_t>{array.Data(), static_cast<int64_t>(array.ElementLength())});
  } else {
    take(read_bytes(data, "image.data"));
  }
  return owned;
}

MeasureOutcome measure_all(
    const std::vector<std::string>& counts,
    int64_t width,
    int64_t height,
    const ops::Pixels* pixels) {
  const auto count = counts.size();
  MeasuredObjects measured{
      std::vector<ObjectShape>(count),
      std::vector<std::vector<Intensity>>(pixels ? count : 0),
      pixels ? pixels->channels : 0};
  std::vector<std::string> faults(count);
  const auto measure_one = [&](int64_t i) {
    try {
      const auto runs = ops::unpack_runs(counts[i], width, height);
      measured.shapes[i] = ops::measure_shape(runs);
      if (pixels) measured.intensities[i] = ops::measure_intensities(runs, *pixels);
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const c10::Error& error) {
      faults[i] = error.what_without_backtrace();
    }
  };
  at::parallel_for(
      0, static_cast<int64_t>(count), /*grain_size=*/1, [&](int64_t begin, int64_t end) {
        for (auto i = begin; i < end; ++i) measure_one(i);
      });
  for (size_t i = 0; i < count; ++i) {
    if (!faults[i].empty()) return MalformedMask{i, faults[i]};
  }
  return measured;
}

Napi::Value to_columns(Napi::Env env, const MeasureOutcome& outcome) {
  auto object = Napi::Object::New(env);
  if (const auto* malformed = std::get_if<MalformedMask>(&outcome)) {
    object.Set("index", static_cast<double>(malformed->index));
    object.Set("fault", malformed->fault);
    return object;
  }
  const auto& [shapes, intensities, channels] = std::get<MeasuredObjects>(outcome);
  std::vector<double> values(shapes.size());
  const auto set = [&](const std::string& name, auto value) {
    for (size_t i = 0; i < values.size(); ++i) values[i] = value(i);
    object.Set(name, to_array<Napi::Float64Array>(env, values));
  };
  for (const auto& column : kShapeColumns) {
    set(column.name, [&](size_t i) { return shapes[i].*column.value; });
  }
  for (const auto& column : kIntensityColumns) {
    for (int64_t c = 0; c < channels; ++c) {
      const auto name = std::string(column.name) + "-" + std::to_string(c);
      set(name, [&](size_t i) { return intensities[i][c].*column.value; });
    }
  }
  return object;
}

}  // namespace

Napi::Value measure(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  auto counts = read_strings(info[0], "counts");
  const auto width = read_size(info[1], "width"), height = read_size(info[2], "height");
  checked_product(env, {width, height}, "The bitmap");
  std::optional<OwnedPixels> pixels;
  if (!info[3].IsNull()) pixels = read_pixels(info[3], width, height);
  return run_on_pool(
      env,
      [counts = std::move(counts), width, height, pixels = std::move(pixels)] {
        return measure_all(counts, width, height, pixels ? &pixels->pixels : nullptr);
      },
      to_columns);
}

}  // namespace maskrcnn::binding
