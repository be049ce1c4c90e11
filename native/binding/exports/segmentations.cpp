#include "binding/exports/segmentations.h"

#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "binding/conversion/arguments.h"
#include "binding/conversion/fields.h"
#include "binding/conversion/results.h"
#include "binding/worker/run_on_pool.h"
#include "masks/rle.h"
#include "masks/rle_polygon.h"

// All arguments are copied before the call returns, so that JavaScript can reuse its arrays.

namespace maskrcnn::binding {
namespace {

// The union of polygons and bitmaps.
struct Parts {
  std::vector<double> points;     // alternating x and y, in pixels
  std::vector<int32_t> ends;      // of each ring in `points`
  std::vector<int32_t> polygons;  // of each polygon in `ends`
  std::vector<ops::Crop> bitmaps;
};
using RunLengths = std::vector<double>;  // as JavaScript has them
using Segmentation = std::variant<std::string, RunLengths, Parts>;

struct Segment {
  std::string counts;
  int64_t area;
  std::array<int64_t, 4> box;
  std::optional<ops::Crop> crop;
};
using Outcome = std::variant<Segment, std::string>;  // or what is wrong with the segmentation

// Ends of parts in a list of `most` things.
std::vector<int32_t> read_ends(const Napi::Value& value, const std::string& name, size_t most) {
  auto ends = copy(read_integers(value, name));
  int32_t before = 0;
  for (const auto end : ends) {
    if (end < before || end > static_cast<int64_t>(most)) {
      refuse_value(value.Env(), name, "ascending, none above " + std::to_string(most), end);
    }
    before = end;
  }
  return ends;
}

Segmentation read_segmentation(const Napi::Value& value, const std::string& name) {
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  if (value.IsTypedArray()) return copy(read_finite_doubles(value, name));
  const auto object = read_object(value, name);
  Parts parts;
  parts.points = copy(read_finite_doubles(object.Get("points"), name + ".points"));
  parts.ends = read_ends(object.Get("ends"), name + ".ends", parts.points.size());
  const auto polygons = object.Get("polygons");
  if (polygons.IsUndefined()) {
    parts.polygons.resize(parts.ends.size());
    std::iota(parts.polygons.begin(), parts.polygons.end(), 1);
  } else {
    parts.polygons = read_ends(polygons, name + ".polygons", parts.ends.size());
  }
  const auto bitmaps = object.Get("bitmaps");
  if (bitmaps.IsUndefined()) return parts;
  for (const auto& bitmap : elements(bitmaps, name + ".bitmaps")) {
    const auto [left, top, width, height, data] = read_crop(bitmap, name + ".bitmaps");
    parts.bitmaps.push_back({left, top, width, height, copy(data)});
  }
  return parts;
}

ops::Runs to_mask(const std::string& counts, int64_t width, int64_t height) {
  return ops::unpack_runs(counts, width, height);
}

ops::Runs to_mask(const RunLengths& lengths, int64_t width, int64_t height) {
  std::vector<uint32_t> runs;
  for (const auto length : lengths) {
    const bool is_whole = length >= 0 && length <= kMaxElements && length == std::floor(length);
    TORCH_CHECK(is_whole, "Run lengths must be whole numbers of pixels, got ", length, ".");
    runs.push_back(static_cast<uint32_t>(length));
  }
  return ops::to_runs(runs, width, height);
}

ops::Runs to_mask(const Parts& parts, int64_t width, int64_t height) {
  std::vector<ops::Runs> masks;
  int32_t first = 0;
  for (const auto end : parts.polygons) {
    const auto start = first == 0 ? 0 : parts.ends[first - 1];
    std::vector<int32_t> ends;
    for (auto ring = first; ring < end; ++ring) ends.push_back(parts.ends[ring] - start);
    masks.push_back(ops::runs_of_rings(parts.points.data() + start, ends, width, height));
    first = end;
  }
  for (const auto& [left, top, columns, rows, bitmap] : parts.bitmaps)
    masks.push_back(ops::encode_runs(bitmap.data(), left, top, columns, rows, width, height));
  return ops::merge_runs(masks, /*intersect=*/false);
}

Outcome decode(
    const Segmentation& segmentation, int64_t width, int64_t height, bool with_crops) try {
  const auto mask =
      std::visit([&](const auto& kind) { return to_mask(kind, width, height); }, segmentation);
  const auto* given = std::get_if<std::string>(&segmentation);
  Segment segment{
      given != nullptr ? *given : ops::pack_runs(mask),
      ops::area_of(mask),
      ops::box_of(mask),
      std::nullopt};
  if (with_crops) segment.crop = ops::crop_runs(mask);
  return segment;
} catch (const c10::OutOfMemoryError&) {
  throw;
} catch (const c10::Error& error) {
  return std::string(error.what_without_backtrace());
}

Napi::Object outcome_object(Napi::Env env, Outcome& outcome) {
  auto object = Napi::Object::New(env);
  if (const auto* fault = std::get_if<std::string>(&outcome)) {
    object.Set("fault", *fault);
    return object;
  }
  auto& [counts, area, box, crop] = std::get<Segment>(outcome);
  object.Set("counts", counts);
  object.Set("area", static_cast<double>(area));
  auto sides = Napi::Array::New(env, box.size());
  for (uint32_t i = 0; i < box.size(); ++i) sides.Set(i, static_cast<double>(box[i]));
  object.Set("box", sides);
  if (crop) object.Set("crop", to_object(env, std::move(*crop)));
  return object;
}

}  // namespace

Napi::Value read_segmentations(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  std::vector<Segmentation> segmentations;
  for (const auto& value : elements(info[0], "segmentations")) {
    const auto name = "segmentations[" + std::to_string(segmentations.size()) + "]";
    segmentations.push_back(read_segmentation(value, name));
  }
  const auto width = read_size(info[1], "width"), height = read_size(info[2], "height");
  checked_product(env, {width, height}, "The bitmap");
  if (!info[3].IsBoolean()) throw Napi::TypeError::New(env, "crops must be a boolean.");
  const bool with_crops = info[3].As<Napi::Boolean>();
  return run_on_pool(
      env,
      [segmentations = std::move(segmentations), width, height, with_crops] {
        std::vector<Outcome> outcomes;
        for (const auto& segmentation : segmentations) {
          outcomes.push_back(decode(segmentation, width, height, with_crops));
        }
        return outcomes;
      },
      [](Napi::Env env, std::vector<Outcome>& outcomes) -> Napi::Value {
        auto objects = Napi::Array::New(env, outcomes.size());
        for (uint32_t i = 0; i < outcomes.size(); ++i) {
          objects.Set(i, outcome_object(env, outcomes[i]));
        }
        return objects;
      });
}

}  // namespace maskrcnn::binding
