// The methods of the JavaScript class Model for training by several processes.
#include <utility>
#include <vector>

#include "binding/conversion/convert.h"
#include "binding/conversion/fields.h"
#include "binding/conversion/losses.h"
#include "binding/exports/group.h"
#include "binding/exports/model.h"

namespace maskrcnn::binding {

Napi::Value Model::join(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    const auto group = Group::of(info[0]);
    const Fields options(info[1], "options");
    const auto wire = options.string("wire") == "bfloat16" ? at::kBFloat16 : at::kFloat;
    const auto syncs = options.boolean("syncBatchNorm");
    return worker(env)->run(env, [state = state(env), group, wire, syncs] {
      state->shared = nullptr;
      state->shared = std::make_unique<SharedTraining>(group, state->network, wire, syncs);
    });
  });
}

Napi::Value Model::leave(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return worker(env)->run(env, [state = state(env)] { state->shared = nullptr; });
}

Napi::Value Model::compute_share(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    // A rank may have no image of a batch.
    const bool has_images = !elements(info[0], "images").empty();
    const auto images = has_images ? to_images(info[0]) : std::vector<at::Tensor>();
    const auto targets = has_images ? to_targets(info[1]) : std::vector<Target>();
    const Fields options(info[2], "options");
    if (images.size() != targets.size())
      throw Napi::RangeError::New(env, "There must be one target per image.");
    return worker(env)->run(
        env,
        [state = state(env),
         images,
         targets,
         seeds = options.integers("seeds"),
         loss_scale = options.number("lossScale"),
         completes = options.boolean("completes")] {
          TORCH_CHECK(state->shared != nullptr, "the model has not joined a group");
          return state->shared->compute(
              images, targets, state->generators_of(images.size(), seeds), loss_scale, completes);
        },
        [](Napi::Env env, const SharedTraining::Outcome& outcome) -> Napi::Value {
          auto object = Napi::Object::New(env);
          object.Set("losses", from_losses(env, outcome.losses));
          object.Set("images", Napi::Number::New(env, static_cast<double>(outcome.images)));
          object.Set("waitSeconds", Napi::Number::New(env, outcome.waited));
          object.Set("sumSeconds", Napi::Number::New(env, outcome.summed));
          return object;
        });
  });
}

}  // namespace maskrcnn::binding
