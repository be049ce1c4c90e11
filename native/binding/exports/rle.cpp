#include "binding/exports/rle.h"

#include <c10/util/Exception.h>

#include <cmath>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "binding/conversion/arguments.h"
#include "binding/conversion/results.h"
#include "binding/exports/measure.h"
#include "binding/exports/outlines.h"
#include "binding/exports/segmentations.h"
#include "binding/worker/checked.h"
#include "binding/worker/run_on_pool.h"
#include "evaluation/overlaps.h"
#include "masks/rle.h"

namespace maskrcnn::binding {
namespace {

struct Size {
  int64_t width, height;
};

// Reads the arguments `first` and `first + 1`.
Size read_image_size(const Napi::CallbackInfo& info, size_t first) {
  const Size size{read_size(info[first], "width"), read_size(info[first + 1], "height")};
  checked_product(info.Env(), {size.width, size.height}, "The bitmap");
  return size;
}

std::vector<ops::Runs> read_masks(
    const Napi::Value& value, const std::string& name, const Size& size) {
  std::vector<ops::Runs> masks;
  for (const auto& counts : read_strings(value, name)) {
    masks.push_back(ops::unpack_runs(counts, size.width, size.height));
  }
  return masks;
}

Napi::Value pack(Napi::Env env, const ops::Runs& runs) {
  return Napi::String::New(env, ops::pack_runs(runs));
}

Napi::Value encode(const Napi::CallbackInfo& info) {
  const auto bitmap = read_bytes(info[0], "bitmap");
  const auto [width, height] = read_image_size(info, 1);
  check_length(info.Env(), bitmap.length, width * height, "bitmap");
  return pack(
      info.Env(),
      ops::encode_runs(bitmap.data, /*left=*/0, /*top=*/0, width, height, width, height));
}

Napi::Value encode_crop(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto [left, top, columns, rows, data] = read_crop(info[0], "mask");
  const auto [width, height] = read_image_size(info, 1);
  return pack(env, ops::encode_runs(data.data, left, top, columns, rows, width, height));
}

Napi::Value from_runs(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  if (!info[0].IsArray()) throw Napi::TypeError::New(env, "runs must be an array.");
  const auto array = info[0].As<Napi::Array>();
  std::vector<uint32_t> runs;
  const auto length = array.Length();
  runs.reserve(length);
  for (uint32_t i = 0; i < length; ++i) {
    const Napi::Value value = array.Get(i);
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
    const bool is_length = number >= 0 && number <= kMaxElements && number == std::floor(number);
    // Only an error needs the name, which takes longer to make than the number to read.
    runs.push_back(static_cast<uint32_t>(
        is_length ? static_cast<int64_t>(number)
                  : read_integer(value, "runs[" + std::to_string(i) + "]", 0, kMaxElements)));
  }
  const auto [width, height] = read_image_size(info, 1);
  return pack(env, ops::to_runs(runs, width, height));
}

// Reads the first arguments of most functions: counts, width, height.
ops::Runs read_mask(const Napi::CallbackInfo& info) {
  const auto counts = read_string(info[0], "counts");
  const auto [width, height] = read_image_size(info, 1);
  return ops::unpack_runs(counts, width, height);
}

Napi::Value decode(const Napi::CallbackInfo& info) {
  return hand_over<Napi::Uint8Array>(info.Env(), ops::decode_runs(read_mask(info)));
}

Napi::Value crop(const Napi::CallbackInfo& info) {
  return to_object(info.Env(), ops::crop_runs(read_mask(info)));
}

Napi::Value to_runs(const Napi::CallbackInfo& info) {
  return hand_over<Napi::Uint32Array>(info.Env(), std::move(read_mask(info).lengths));
}

Napi::Value within(const Napi::CallbackInfo& info) {
  const auto mask = read_mask(info);
  const auto left = read_integer(info[3], "left", -kMaxElements, kMaxElements);
  const auto top = read_integer(info[4], "top", -kMaxElements, kMaxElements);
  const auto [width, height] = read_image_size(info, 5);
  return pack(info.Env(), ops::runs_within(mask, left, top, width, height));
}

Napi::Value areas(const Napi::CallbackInfo& info) {
  std::vector<double> areas;
  for (const auto& mask : read_masks(info[0], "counts", read_image_size(info, 1))) {
    areas.push_back(static_cast<double>(ops::area_of(mask)));
  }
  return to_array<Napi::Float64Array>(info.Env(), areas);
}

Napi::Value boxes(const Napi::CallbackInfo& info) {
  std::vector<double> boxes;
  for (const auto& mask : read_masks(info[0], "counts", read_image_size(info, 1))) {
    for (const auto number : ops::box_of(mask)) boxes.push_back(static_cast<double>(number));
  }
  return to_array<Napi::Float64Array>(info.Env(), boxes);
}

Napi::Value merge(const Napi::CallbackInfo& info) {
  if (!info[3].IsBoolean()) throw Napi::TypeError::New(info.Env(), "intersect must be a boolean.");
  const auto masks = read_masks(info[0], "counts", read_image_size(info, 1));
  return pack(info.Env(), ops::merge_runs(masks, info[3].As<Napi::Boolean>()));
}

Napi::Value iou(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto size = read_image_size(info, 3);
  const auto detected = read_masks(info[0], "detected", size);
  const auto truth = read_masks(info[1], "truth", size);
  const auto crowd = read_bytes(info[2], "crowd");
  check_length(env, crowd.length, static_cast<int64_t>(truth.size()), "crowd");
  std::vector<double> overlaps;  // [D,G]: all are at least 0
  for (const auto& row : evaluation::mask_overlaps(detected, truth, crowd.data, /*least=*/0)) {
    for (const auto& overlap : row) overlaps.push_back(overlap.value);
  }
  return to_array<Napi::Float64Array>(env, overlaps);
}

// Computes on libuv's thread pool. A value that the computation refuses, such as malformed run
// lengths, becomes a RangeError, as it does on the calling thread.
template <typename Compute, typename Convert>
Napi::Value checked_on_pool(Napi::Env env, Compute compute, Convert convert) {
  using Result = std::invoke_result_t<Compute>;
  struct Outcome {
    std::optional<Result> result;
    std::string refusal;
  };
  return run_on_pool(
      env,
      [compute = std::move(compute)]() -> Outcome {
        try {
          return {compute(), {}};
        } catch (const c10::OutOfMemoryError&) {
          throw;
        } catch (const c10::Error& error) {
          return {std::nullopt, error.what_without_backtrace()};
        }
      },
      [convert = std::move(convert)](Napi::Env env, const Outcome& outcome) -> Napi::Value {
        if (!outcome.result) throw Napi::RangeError::New(env, outcome.refusal);
        return convert(env, *outcome.result);
      });
}

struct Trimmed {
  std::vector<double> areas, boxes;
  std::vector<std::string> counts;
};

Napi::Value trim(const Napi::CallbackInfo& info) {
  return checked_on_pool(
      info.Env(),
      [counts = read_strings(info[0], "counts"), size = read_image_size(info, 1)] {
        Trimmed trimmed;
        for (const auto& text : counts) {
          const auto mask = ops::unpack_runs(text, size.width, size.height);
          const auto [left, top, width, height] = ops::box_of(mask);
          trimmed.areas.push_back(static_cast<double>(ops::area_of(mask)));
          for (const auto number : {left, top, width, height})
            trimmed.boxes.push_back(static_cast<double>(number));
          trimmed.counts.push_back(
              width == 0 ? std::string()
                         : ops::pack_runs(ops::runs_within(mask, left, top, width, height)));
        }
        return trimmed;
      },
      [](Napi::Env env, const Trimmed& trimmed) {
        auto object = Napi::Object::New(env);
        object.Set("areas", to_array<Napi::Float64Array>(env, trimmed.areas));
        object.Set("boxes", to_array<Napi::Float64Array>(env, trimmed.boxes));
        auto counts = Napi::Array::New(env, trimmed.counts.size());
        for (uint32_t i = 0; i < trimmed.counts.size(); ++i) counts.Set(i, trimmed.counts[i]);
        object.Set("counts", counts);
        return object;
      });
}

// Masks of rectangles that are anywhere beside each other.
struct PlacedMasks {
  std::vector<std::string> counts;
  std::vector<int32_t> places;  // [D,4]: left, top, width, height

  PlacedMasks(
      const Napi::Value& texts, const Napi::Value& rectangles, const char* name, const char* where)
      : counts(read_strings(texts, name)), places(copy(read_integers(rectangles, where))) {
    const auto env = texts.Env();
    const auto length = static_cast<int64_t>(places.size());
    check_length(env, length, 4 * static_cast<int64_t>(counts.size()), where);
    for (size_t i = 0; i < places.size(); i += 4) {
      for (const auto side : {places[i + 2], places[i + 3]})
        if (side < 1) refuse_value(env, where, "have sizes of at least 1", side);
      checked_product(env, {places[i + 2], places[i + 3]}, "The bitmap");
    }
  }

  // What they show of a rectangle of this size, from which their places are counted.
  std::vector<ops::Runs> within(const Size& size) const {
    std::vector<ops::Runs> masks;
    for (size_t i = 0; i < counts.size(); ++i) {
      const auto* place = places.data() + 4 * i;
      const auto mask = ops::unpack_runs(counts[i], place[2], place[3]);
      masks.push_back(
          ops::runs_within(mask, -int64_t{place[0]}, -int64_t{place[1]}, size.width, size.height));
    }
    return masks;
  }
};

struct Shared {
  std::vector<double> areas, other_areas;
  evaluation::Overlaps overlaps;
};

Napi::Value shared_pixels(const Napi::CallbackInfo& info) {
  return checked_on_pool(
      info.Env(),
      [masks = PlacedMasks(info[0], info[1], "masks", "places"),
       others = PlacedMasks(info[2], info[3], "others", "otherPlaces"),
       size = read_image_size(info, 4)] {
        const auto areas_of = [](const std::vector<ops::Runs>& views) {
          std::vector<double> areas;
          for (const auto& view : views) areas.push_back(static_cast<double>(ops::area_of(view)));
          return areas;
        };
        const auto views = masks.within(size), other_views = others.within(size);
        return Shared{
            areas_of(views), areas_of(other_views), evaluation::shared_pixels(views, other_views)};
      },
      [](Napi::Env env, const Shared& shared) {
        std::vector<int32_t> pairs;
        std::vector<double> pixels;
        for (size_t i = 0; i < shared.overlaps.size(); ++i) {
          for (const auto& [other, value] : shared.overlaps[i]) {
            pairs.insert(pairs.end(), {static_cast<int32_t>(i), static_cast<int32_t>(other)});
            pixels.push_back(value);
          }
        }
        auto object = Napi::Object::New(env);
        object.Set("areas", to_array<Napi::Float64Array>(env, shared.areas));
        object.Set("otherAreas", to_array<Napi::Float64Array>(env, shared.other_areas));
        object.Set("pairs", to_array<Napi::Int32Array>(env, pairs));
        object.Set("pixels", to_array<Napi::Float64Array>(env, pixels));
        return object;
      });
}

}  // namespace

Napi::Object make_rle(Napi::Env env) {
  auto exports = Napi::Object::New(env);
  const auto add = [&](const char* name, auto function) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("encode", checked<encode>);
  add("encodeCrop", checked<encode_crop>);
  add("fromRuns", checked<from_runs>);
  add("decode", checked<decode>);
  add("crop", checked<crop>);
  add("toRuns", checked<to_runs>);
  add("within", checked<within>);
  add("areas", checked<areas>);
  add("boxes", checked<boxes>);
  add("trim", checked<trim>);
  add("merge", checked<merge>);
  add("iou", checked<iou>);
  add("sharedPixels", checked<shared_pixels>);
  add("readSegmentations", checked<read_segmentations>);
  add("outlines", checked<outlines>);
  add("measure", checked<measure>);
  return exports;
}

}  // namespace maskrcnn::binding
