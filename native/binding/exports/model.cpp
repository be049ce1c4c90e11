#include "binding/exports/model.h"

#include <ATen/core/grad_mode.h>

#include <string>
#include <unordered_set>
#include <utility>

#include "binding/conversion/convert.h"
#include "binding/conversion/detections.h"
#include "binding/conversion/fields.h"
#include "binding/conversion/losses.h"
#include "binding/conversion/model_options.h"
#include "binding/exports/instance_data.h"
#include "binding/worker/errors.h"

namespace maskrcnn::binding {

namespace {

// The arguments that create() passes to the constructor.
struct Parts {
  std::shared_ptr<ModelState> state;
  std::shared_ptr<Worker> worker;
};

}  // namespace

Napi::Function Model::define(Napi::Env env) {
  return DefineClass(
      env,
      "Model",
      {StaticMethod<&Model::create>("create"),
       InstanceMethod<&Model::parameters>("parameters"),
       InstanceMethod<&Model::set_trainable>("setTrainable"),
       InstanceMethod<&Model::set_activation_checkpointing>("setActivationCheckpointing"),
       InstanceMethod<&Model::state_dict>("stateDict"),
       InstanceMethod<&Model::load_state_dict>("loadStateDict"),
       InstanceMethod<&Model::compute_losses>("computeLosses"),
       InstanceMethod<&Model::join>("join"),
       InstanceMethod<&Model::leave>("leave"),
       InstanceMethod<&Model::compute_share>("computeShare"),
       InstanceMethod<&Model::detect>("detect"),
       InstanceMethod<&Model::trace>("trace"),
       InstanceMethod<&Model::stage_costs>("stageCosts"),
       InstanceMethod<&Model::gradient_norms>("gradientNorms"),
       InstanceMethod<&Model::graphs>("graphs"),
       InstanceMethod<&Model::seed>("seed"),
       InstanceMethod<&Model::dispose>("dispose")});
}

Model::Model(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Model>(info) {
  if (info.Length() != 1 || !info[0].IsExternal()) {
    throw Napi::TypeError::New(info.Env(), "Models are made by Model.create().");
  }
  auto* parts = info[0].As<Napi::External<Parts>>().Data();
  state_ = parts->state;
  worker_ = parts->worker;
}

std::shared_ptr<ModelState> Model::state(Napi::Env env) const {
  if (!state_) throw to_error(env, {"DISPOSED", "The model was used after dispose()."});
  return state_;
}

std::shared_ptr<Worker> Model::worker(Napi::Env env) const {
  state(env);
  return worker_;
}

Napi::Value Model::create(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto options = guarded(env, [&] { return to_model_options(info[0]); });
  const bool initialize = info[1].IsUndefined() || guarded(env, [&] {
                            return Fields(info[1], "how").boolean("initialize");
                          });
  const auto worker = std::make_shared<Worker>(env, options.threads);
  return worker->run(
      env,
      [options, initialize] { return build_model(options, initialize); },
      [worker](Napi::Env env, std::shared_ptr<ModelState> state) -> Napi::Value {
        Parts parts{std::move(state), worker};
        return InstanceData::of(env).model_class.New({Napi::External<Parts>::New(env, &parts)});
      });
}

Napi::Value Model::parameters(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto entries = state(env)->entries();
  auto array = Napi::Array::New(env, entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    auto object = Napi::Object::New(env);
    object.Set("name", entries[i].name);
    object.Set("shape", from_shape(env, entries[i].tensor.sizes()));
    object.Set("dtype", dtype_name(entries[i].tensor.scalar_type()));
    object.Set("trainable", Napi::Boolean::New(env, entries[i].tensor.requires_grad()));
    object.Set("kind", entries[i].is_parameter ? "parameter" : "buffer");
    array.Set(static_cast<uint32_t>(i), object);
  }
  return array;
}

Napi::Value Model::set_trainable(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    std::unordered_set<std::string> names;
    for (const auto& name : elements(info[0], "names")) {
      if (!name.IsString()) throw Napi::TypeError::New(env, "names must be strings.");
      names.insert(name.As<Napi::String>().Utf8Value());
    }
    return worker(env)->run(env, [state = state(env), names] { state->train_only(names); });
  });
}

Napi::Value Model::set_activation_checkpointing(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    if (!info[0].IsBoolean()) throw Napi::TypeError::New(env, "enabled must be a boolean.");
    const bool enabled = info[0].As<Napi::Boolean>();
    return worker(env)->run(env, [state = state(env), enabled] {
      state->network->set_activation_checkpointing(enabled);
    });
  });
}

Napi::Value Model::state_dict(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return worker(env)->run(
      env,
      [state = state(env)] { return state->copy(); },
      [](Napi::Env env, const NamedTensors& tensors) { return from_named_tensors(env, tensors); });
}

Napi::Value Model::load_state_dict(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto tensors = guarded(env, [&] {
    const bool consume = !info[1].IsUndefined() && Fields(info[1], "options").boolean("consume");
    return to_named_tensors(info[0], consume);
  });
  return worker(env)->run(env, [state = state(env), tensors] { state->load(tensors); });
}

Napi::Value Model::compute_losses(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    const auto images = to_images(info[0]);
    const auto targets = to_targets(info[1]);
    const Fields options(info[2], "options");
    if (images.size() != targets.size()) {
      throw Napi::RangeError::New(
          env,
          "There must be one target per image, got " + std::to_string(targets.size()) + " for " +
              std::to_string(images.size()) + ".");
    }
    std::vector<int64_t> seeds;
    if (!options.get("seeds").IsUndefined()) seeds = options.integers("seeds");
    return worker(env)->run(
        env,
        [state = state(env),
         images,
         targets,
         seeds,
         backward = options.boolean("backward"),
         loss_scale = options.number("lossScale")] {
          return state->compute_losses(
              images, targets, state->generators_of(images.size(), seeds), backward, loss_scale);
        },
        from_losses);
  });
}

Napi::Value Model::detect(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    const auto lent = to_lent_images(info[0]);
    const auto options = to_detect_options(info[1]);
    return worker(env)->run(
        env,
        [state = state(env), lent, options] {
          const at::NoGradGuard no_grad;
          state->network->eval();
          return detect_and_encode(*state->network, lent.images, options);
        },
        from_detections);
  });
}

Napi::Value Model::trace(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto images = guarded(env, [&] { return to_images(info[0]); });
  return worker(env)->run(
      env,
      [state = state(env), images] {
        const at::NoGradGuard no_grad;
        state->network->eval();
        return state->network->trace(images);
      },
      [](Napi::Env env, const NamedTensors& stages) { return from_trace(env, stages); });
}

Napi::Value Model::stage_costs(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  struct Result {
    double rate;
    std::vector<StageCost> costs;
  };
  return guarded(env, [&] {
    const auto images = to_images(info[0]);
    const auto options = to_detect_options(info[1]);
    return worker(env)->run(
        env,
        [state = state(env), images, options]() -> Result {
          const at::NoGradGuard no_grad;
          state->network->eval();
          const auto rate = convolution_rate(scalar_type_of(state->network->precision()));
          StageCosts costs;
          detect_and_encode(*state->network, images, options, &costs);
          return {rate, costs.costs()};
        },
        [](Napi::Env env, const Result& result) -> Napi::Value {
          auto stages = Napi::Array::New(env, result.costs.size());
          for (size_t i = 0; i < result.costs.size(); ++i) {
            const auto& [stage, seconds, flops] = result.costs[i];
            auto object = Napi::Object::New(env);
            object.Set("stage", stage);
            object.Set("seconds", Napi::Number::New(env, seconds));
            object.Set("flops", Napi::Number::New(env, flops));
            stages.Set(static_cast<uint32_t>(i), object);
          }
          auto object = Napi::Object::New(env);
          object.Set("convolutionRate", Napi::Number::New(env, result.rate));
          object.Set("stages", stages);
          return object;
        });
  });
}

Napi::Value Model::gradient_norms(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return worker(env)->run(
      env,
      [state = state(env)] {
        std::vector<std::pair<std::string, double>> norms;
        for (const auto& entry : state->entries()) {
          if (!entry.is_parameter) continue;
          const auto& gradient = entry.tensor.grad();
          // In float32, the sum over the 13 million elements of fc6 has a relative error of 1e-3.
          norms.emplace_back(
              entry.name, gradient.defined() ? gradient.norm(2, at::kDouble).item<double>() : 0.0);
        }
        return norms;
      },
      [](Napi::Env env, const std::vector<std::pair<std::string, double>>& norms) -> Napi::Value {
        auto object = Napi::Object::New(env);
        for (const auto& [name, norm] : norms) object.Set(name, Napi::Number::New(env, norm));
        return object;
      });
}

Napi::Value Model::graphs(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return worker(env)->run(
      env,
      [state = state(env)] { return static_cast<double>(state->network->graphs()); },
      [](Napi::Env env, double count) -> Napi::Value { return Napi::Number::New(env, count); });
}

Napi::Value Model::seed(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  if (!info[0].IsNumber()) throw Napi::TypeError::New(env, "The seed must be a number.");
  const auto seed = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
  return worker(env)->run(
      env, [state = state(env), seed] { state->generator.set_current_seed(seed); });
}

void Model::dispose(const Napi::CallbackInfo&) {
  // Jobs that are still running hold their own references to the state.
  state_.reset();
  worker_.reset();
}

}  // namespace maskrcnn::binding
