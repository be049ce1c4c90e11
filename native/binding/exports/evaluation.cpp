#include "binding/exports/evaluation.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "binding/conversion/arguments.h"
#include "binding/conversion/fields.h"
#include "binding/conversion/results.h"
#include "binding/worker/checked.h"
#include "binding/worker/run_on_pool.h"
#include "evaluation/coco.h"
#include "evaluation/confusion.h"

// All arguments are copied before the call returns, so that JavaScript can reuse its arrays.

namespace maskrcnn::binding {
namespace {

constexpr int64_t kMostClasses = 1 << 20;

void check_range(
    Napi::Env env, const std::vector<int32_t>& values, int64_t count, const std::string& name) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0 || values[i] >= count) {
      refuse_value(
          env,
          name + "[" + std::to_string(i) + "]",
          "in 0.." + std::to_string(count - 1),
          values[i]);
    }
  }
}

struct Limits {
  int64_t images, classes;
  evaluation::Shape shape;
};

// Reads the common fields of ground-truth and detected objects.
void read_objects(
    const Napi::Object& value,
    const std::string& name,
    const Limits& limits,
    evaluation::Objects& objects) {
  const auto env = value.Env();
  objects.images = copy(read_integers(value.Get("images"), name + ".images"));
  check_range(env, objects.images, limits.images, name + ".images");
  objects.classes = copy(read_integers(value.Get("classes"), name + ".classes"));
  check_length(
      env, static_cast<int64_t>(objects.classes.size()), objects.count(), name + ".classes");
  check_range(env, objects.classes, limits.classes, name + ".classes");
  if (limits.shape == evaluation::Shape::Box) {
    const auto boxes = read_finite_doubles(value.Get("boxes"), name + ".boxes");
    check_length(env, boxes.length, 4 * objects.count(), name + ".boxes");
    objects.boxes = copy(boxes);
    return;
  }
  const auto masks = read_bytes(value.Get("masks"), name + ".masks");
  const auto ends = read_finite_doubles(value.Get("ends"), name + ".ends");
  check_length(env, ends.length, objects.count(), name + ".ends");
  double before = 0;
  for (int64_t i = 0; i < ends.length; ++i) {
    if (!(ends.data[i] >= before && ends.data[i] <= static_cast<double>(masks.length))) {
      refuse_value(
          env,
          name + ".ends[" + std::to_string(i) + "]",
          "ascending and at most " + std::to_string(masks.length),
          ends.data[i]);
    }
    before = ends.data[i];
    objects.ends.push_back(static_cast<int64_t>(before));
  }
  objects.masks.assign(reinterpret_cast<const char*>(masks.data), masks.length);
}

evaluation::Shape shape_of(const Napi::Object& data) {
  const auto name = read_string(data.Get("shape"), "shape");
  if (name == "box") return evaluation::Shape::Box;
  if (name == "mask") return evaluation::Shape::Mask;
  throw Napi::TypeError::New(data.Env(), "shape must be 'box' or 'mask', got '" + name + "'.");
}

evaluation::DataSet read_data(const Napi::Value& value) {
  const auto env = value.Env();
  const auto object = read_object(value, "data");
  evaluation::DataSet data;
  data.classes = read_integer(object.Get("classes"), "classes", 1, kMostClasses);
  const auto sizes = read_integers(object.Get("sizes"), "sizes");
  const Limits limits{count_rows(env, sizes.length, 2, "sizes"), data.classes, shape_of(object)};
  for (int64_t i = 0; i < limits.images; ++i) {
    const auto width = sizes.data[2 * i], height = sizes.data[2 * i + 1];
    if (width < 1) refuse_value(env, "sizes[" + std::to_string(2 * i) + "]", "above 0", width);
    if (height < 1)
      refuse_value(env, "sizes[" + std::to_string(2 * i + 1) + "]", "above 0", height);
    checked_product(env, {width, height}, "Image " + std::to_string(i));
  }
  data.sizes = copy(sizes);

  const auto truth = read_object(object.Get("truth"), "truth");
  read_objects(truth, "truth", limits, data.truth);
  const auto areas = read_finite_doubles(truth.Get("areas"), "truth.areas");
  check_length(env, areas.length, data.truth.count(), "truth.areas");
  data.truth.areas = copy(areas);
  const auto crowd = read_bytes(truth.Get("crowd"), "truth.crowd");
  check_length(env, crowd.length, data.truth.count(), "truth.crowd");
  data.truth.crowd = copy(crowd);

  const auto detected = read_object(object.Get("detected"), "detected");
  read_objects(detected, "detected", limits, data.detected);
  const auto scores = read_finite_doubles(detected.Get("scores"), "detected.scores");
  check_length(env, scores.length, data.detected.count(), "detected.scores");
  data.detected.scores = copy(scores);
  return data;
}

// Converts libtorch's errors to INVALID_MASK, except OutOfMemoryError.
template <typename Compute>
auto refusing(Compute compute) {
  return [compute = std::move(compute)] {
    try {
      return compute();
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const c10::Error& error) {
      throw Failure("INVALID_MASK", error.what_without_backtrace());
    }
  };
}

Napi::Object to_object(Napi::Env env, const evaluation::CocoMatches& matches) {
  auto result = Napi::Object::New(env);
  result.Set("images", to_array<Napi::Int32Array>(env, matches.images));
  result.Set("classes", to_array<Napi::Int32Array>(env, matches.classes));
  result.Set("scores", to_array<Napi::Float64Array>(env, matches.scores));
  result.Set("matched", to_array<Napi::Uint32Array>(env, matches.matched));
  result.Set("ignored", to_array<Napi::Uint32Array>(env, matches.ignored));
  result.Set("wantedImages", to_array<Napi::Int32Array>(env, matches.wanted_images));
  result.Set("wantedClasses", to_array<Napi::Int32Array>(env, matches.wanted_classes));
  result.Set("wanted", to_array<Napi::Int32Array>(env, matches.wanted));
  return result;
}

Napi::Value coco(const Napi::CallbackInfo& info) {
  auto data = read_data(info[0]);
  const Fields fields(info[1], "options");
  evaluation::CocoOptions options{
      shape_of(info[0].As<Napi::Object>()),
      fields.numbers("iouThresholds"),
      fields.numbers("recallPoints"),
      {},
      fields.integers("limits")};
  const auto bounds = fields.numbers("areaRanges");
  const auto ranges =
      count_rows(info.Env(), static_cast<int64_t>(bounds.size()), 2, "options.areaRanges");
  for (int64_t a = 0; a < ranges; ++a) options.areas.push_back({bounds[2 * a], bounds[2 * a + 1]});
  if (options.limits.empty() || options.limits.front() < 1 ||
      !std::is_sorted(options.limits.begin(), options.limits.end())) {
    throw Napi::RangeError::New(info.Env(), "options.limits must be ascending and above 0.");
  }
  if (options.areas.empty()) {
    throw Napi::RangeError::New(info.Env(), "options.areaRanges must have a range.");
  }
  if (options.iou_thresholds.size() > evaluation::kMostThresholds) {
    throw Napi::RangeError::New(
        info.Env(),
        "options.iouThresholds must be at most " + std::to_string(evaluation::kMostThresholds) +
            ".");
  }
  return run_on_pool(
      info.Env(),
      refusing([data = std::move(data), options = std::move(options)] {
        return evaluation::evaluate_coco(data, options);
      }),
      [](Napi::Env env, const evaluation::CocoCurves& curves) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("precision", to_array<Napi::Float64Array>(env, curves.precision));
        result.Set("scores", to_array<Napi::Float64Array>(env, curves.scores));
        result.Set("recall", to_array<Napi::Float64Array>(env, curves.recall));
        result.Set("matches", to_object(env, curves.matches));
        return result;
      });
}

Napi::Value confusion(const Napi::CallbackInfo& info) {
  auto data = read_data(info[0]);
  const Fields fields(info[1], "options");
  const evaluation::ConfusionOptions options{
      shape_of(info[0].As<Napi::Object>()),
      fields.number("iouThreshold"),
      fields.number("scoreThreshold")};
  return run_on_pool(
      info.Env(),
      refusing([data = std::move(data), options] {
        return evaluation::confusion_matrix(data, options);
      }),
      [](Napi::Env env, const std::vector<int32_t>& counts) -> Napi::Value {
        return to_array<Napi::Int32Array>(env, counts);
      });
}

}  // namespace

Napi::Object make_evaluation(Napi::Env env) {
  auto exports = Napi::Object::New(env);
  exports.Set("coco", Napi::Function::New(env, checked<coco>, "coco"));
  exports.Set("confusion", Napi::Function::New(env, checked<confusion>, "confusion"));
  return exports;
}

}  // namespace maskrcnn::binding
