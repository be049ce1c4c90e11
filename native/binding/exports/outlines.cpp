#include "binding/exports/outlines.h"

#include <string>
#include <utility>
#include <variant>

#include "binding/conversion/arguments.h"
#include "binding/conversion/results.h"
#include "binding/worker/run_on_pool.h"
#include "masks/outline.h"
#include "masks/rle.h"

namespace maskrcnn::binding {
namespace {

using OutlineOutcome = std::variant<ops::Outlines, std::string>;  // or what is wrong with the mask

OutlineOutcome find_outlines(
    const std::string& counts, int64_t width, int64_t height, double tolerance) try {
  return ops::outlines_of(ops::unpack_runs(counts, width, height), tolerance);
} catch (const c10::OutOfMemoryError&) {
  throw;
} catch (const c10::Error& error) {
  return std::string(error.what_without_backtrace());
}

}  // namespace

Napi::Value outlines(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  auto counts = read_string(info[0], "counts");
  const auto width = read_size(info[1], "width"), height = read_size(info[2], "height");
  checked_product(env, {width, height}, "The bitmap");
  const auto tolerance = read_number(info[3], "tolerance");
  if (tolerance < 0) refuse_value(env, "tolerance", "at least 0", tolerance);
  return run_on_pool(
      env,
      [counts = std::move(counts), width, height, tolerance] {
        return find_outlines(counts, width, height, tolerance);
      },
      [](Napi::Env env, OutlineOutcome& outcome) -> Napi::Value {
        auto object = Napi::Object::New(env);
        if (const auto* fault = std::get_if<std::string>(&outcome)) {
          object.Set("fault", *fault);
          return object;
        }
        auto& [points, ends, polygons] = std::get<ops::Outlines>(outcome);
        object.Set("points", hand_over<Napi::Int32Array>(env, std::move(points)));
        object.Set("ends", hand_over<Napi::Int32Array>(env, std::move(ends)));
        object.Set("polygons", hand_over<Napi::Int32Array>(env, std::move(polygons)));
        return object;
      });
}

}  // namespace maskrcnn::binding
