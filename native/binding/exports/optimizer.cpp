#include "binding/exports/optimizer.h"

#include <string>
#include <unordered_map>
#include <utility>

#include "binding/conversion/convert.h"
#include "binding/conversion/fields.h"
#include "binding/exports/instance_data.h"
#include "binding/worker/errors.h"
#include "memory/tensor_memory.h"

namespace maskrcnn::binding {

namespace {

std::vector<ParameterGroup> to_groups(const Napi::Value& value, const ModelState& state) {
  std::unordered_map<std::string, at::Tensor> parameters;
  for (const auto& entry : state.entries()) {
    if (entry.is_parameter && entry.tensor.requires_grad())
      parameters.emplace(entry.name, entry.tensor);
  }
  std::vector<ParameterGroup> groups;
  for (const auto& element : elements(value, "groups")) {
    const Fields fields(element, "group");
    ParameterGroup group{{}, fields.number("lrMultiplier"), fields.number("weightDecay")};
    for (const auto& name : fields.strings("parameters")) {
      const auto found = parameters.find(name);
      if (found == parameters.end()) {
        throw Napi::RangeError::New(
            value.Env(), "No trainable parameter is named " + name + ", or it is in two groups.");
      }
      group.parameters.emplace_back(name, found->second);
      parameters.erase(found);
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

// The tensors that the moving average covers. Integers, such as batch counts, have no average.
NamedTensors averaged(const ModelState& state) {
  NamedTensors tensors;
  for (const auto& entry : state.entries()) {
    if (entry.tensor.is_floating_point()) tensors.emplace_back(entry.name, entry.tensor);
  }
  return tensors;
}

}  // namespace

Napi::Function Optimizer::define(Napi::Env env) {
  return DefineClass(
      env,
      "Optimizer",
      {InstanceMethod<&Optimizer::step>("step"),
       InstanceMethod<&Optimizer::zero_grad>("zeroGrad"),
       InstanceMethod<&Optimizer::scale_gradients>("scaleGradients"),
       InstanceMethod<&Optimizer::update_average>("updateAverage"),
       InstanceMethod<&Optimizer::swap_average>("swapAverage"),
       InstanceMethod<&Optimizer::state_dict>("stateDict"),
       InstanceMethod<&Optimizer::load_state_dict>("loadStateDict")});
}

Optimizer::Optimizer(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Optimizer>(info) {
  const auto env = info.Env();
  if (!info[0].IsObject() ||
      !info[0].As<Napi::Object>().InstanceOf(InstanceData::of(env).model_class.Value())) {
    throw Napi::TypeError::New(env, "An optimizer is made for a Model.");
  }
  model_ = Napi::Persistent(info[0].As<Napi::Object>());
  guarded(env, [&] {
    const Fields options(info[1], "options");
    const auto state = Model::Unwrap(model_.Value())->state(env);
    const auto groups = to_groups(options.get("groups"), *state);
    if (options.string("type") == "sgd") {
      optimizer_ = std::make_shared<maskrcnn::Optimizer>(
          groups,
          averaged(*state),
          SgdOptions{options.number("momentum"), options.boolean("nesterov")},
          std::nullopt);
    } else {
      const auto betas = options.array<2>("betas");
      optimizer_ = std::make_shared<maskrcnn::Optimizer>(
          groups,
          averaged(*state),
          std::nullopt,
          AdamWOptions{betas[0], betas[1], options.number("eps")});
    }
    state->optimizers.push_back(optimizer_);
    memory::prefer_large_pages();
  });
}

std::shared_ptr<Worker> Optimizer::worker(Napi::Env env) const {
  return Model::Unwrap(model_.Value())->worker(env);
}

Optimizer::Subject Optimizer::subject(Napi::Env env) const {
  return {Model::Unwrap(model_.Value())->state(env), optimizer_};
}

Napi::Value Optimizer::step(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    const Fields options(info[0], "options");
    return worker(env)->run(
        env,
        [optimizer = subject(env),
         lr = options.number("lr"),
         clip_norm = options.optional_number("clipNorm")] {
          return optimizer->step(lr, clip_norm);
        },
        [](Napi::Env env, double norm) -> Napi::Value { return Napi::Number::New(env, norm); });
  });
}

Napi::Value Optimizer::zero_grad(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return worker(env)->run(env, [optimizer = subject(env)] { optimizer->zero_grad(); });
}

Napi::Value Optimizer::scale_gradients(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  if (!info[0].IsNumber()) throw Napi::TypeError::New(env, "The factor must be a number.");
  return worker(env)->run(
      env, [optimizer = subject(env), factor = info[0].As<Napi::Number>().DoubleValue()] {
        optimizer->scale_gradients(factor);
      });
}

Napi::Value Optimizer::update_average(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  if (!info[0].IsNumber()) throw Napi::TypeError::New(env, "The decay must be a number.");
  return worker(env)->run(
      env, [optimizer = subject(env), decay = info[0].As<Napi::Number>().DoubleValue()] {
        optimizer->update_average(decay);
      });
}

Napi::Value Optimizer::swap_average(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return worker(env)->run(env, [optimizer = subject(env)] { optimizer->swap_average(); });
}

Napi::Value Optimizer::state_dict(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return worker(env)->run(
      env,
      [optimizer = subject(env)] { return optimizer->state(); },
      [](Napi::Env env, const NamedTensors& tensors) { return from_named_tensors(env, tensors); });
}

Napi::Value Optimizer::load_state_dict(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto tensors = guarded(env, [&] { return to_named_tensors(info[0]); });
  return worker(env)->run(
      env, [optimizer = subject(env), tensors] { optimizer->load_state(tensors); });
}

}  // namespace maskrcnn::binding
