#include "binding/model.h"

#include <ATen/CPUGeneratorImpl.h>

#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>

#include "binding/convert.h"
#include "binding/detections.h"
#include "binding/errors.h"
#include "binding/fields.h"
#include "binding/instance_data.h"
#include "binding/model_options.h"

namespace maskrcnn::binding {

namespace {

// What create() hands to the constructor.
struct Parts {
  std::shared_ptr<ModelState> state;
  std::shared_ptr<Worker> worker;
};

void collect(
    const torch::nn::Module& module,
    const std::string& prefix,
    std::vector<ModelState::Entry>& entries) {
  for (const auto& item : module.named_parameters(/*recurse=*/false)) {
    entries.push_back({prefix + item.key(), item.value(), /*is_parameter=*/true});
  }
  for (const auto& item : module.named_buffers(/*recurse=*/false)) {
    entries.push_back({prefix + item.key(), item.value(), /*is_parameter=*/false});
  }
  for (const auto& item : module.named_children()) {
    collect(*item.value(), prefix + item.key() + ".", entries);
  }
}

void check_device(const at::Device& device) {
  if (device.is_cpu()) return;
  const auto count = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  if (device.is_cuda() && device.index() < count) return;
  throw Failure(
      "DEVICE_UNAVAILABLE",
      "The device " + device.str() + " is not here: libtorch sees " + std::to_string(count) +
          " GPUs.");
}

std::shared_ptr<ModelState> build(const ModelOptions& options) {
  check_device(options.device);
  // The initialisers draw from libtorch's global generator.
  static std::mutex global_generator;
  const std::lock_guard lock(global_generator);
  at::manual_seed(options.seed);
  MaskRCNN network(options.network);
  network->to(options.device);
  return std::make_shared<ModelState>(
      ModelState{network, at::make_generator<at::CPUGeneratorImpl>(options.seed)});
}

void load(const ModelState& state, const NamedTensors& tensors) {
  const at::NoGradGuard no_grad;
  auto entries = state.entries();
  TORCH_CHECK(
      entries.size() == tensors.size(),
      "expected ",
      entries.size(),
      " tensors, got ",
      tensors.size());
  std::unordered_map<std::string, at::Tensor> by_name(tensors.begin(), tensors.end());
  for (const auto& entry : entries) {
    const auto found = by_name.find(entry.name);
    TORCH_CHECK(found != by_name.end(), "no tensor is named ", entry.name);
    // copy_ would broadcast.
    TORCH_CHECK(
        found->second.sizes() == entry.tensor.sizes(),
        entry.name,
        " has shape ",
        entry.tensor.sizes(),
        ", got ",
        found->second.sizes());
  }
  for (auto& entry : entries) entry.tensor.copy_(by_name.at(entry.name));
}

void train_only(const ModelState& state, std::unordered_set<std::string> names) {
  std::vector<std::pair<at::Tensor, bool>> changes;
  for (const auto& entry : state.entries()) {
    if (entry.is_parameter) changes.emplace_back(entry.tensor, names.erase(entry.name) == 1);
  }
  TORCH_CHECK(names.empty(), "no parameter is named ", *names.begin());
  for (auto& [parameter, trainable] : changes) {
    parameter.set_requires_grad(trainable);
    if (!trainable) parameter.mutable_grad().reset();
  }
}

std::array<double, 5> run_losses(
    ModelState& state,
    const std::vector<at::Tensor>& images,
    std::vector<Target> targets,
    bool backward,
    double loss_scale) {
  const at::AutoGradMode grad_mode(backward);
  const auto device = state.network->device();
  for (auto& target : targets) {
    target.boxes = target.boxes.to(device);
    target.labels = target.labels.to(device);
  }
  state.network->train();
  const auto losses = state.network->compute_losses(images, std::move(targets), state.generator);
  if (backward) (losses.total() * loss_scale).backward();
  const auto values =
      at::stack(
          {losses.classifier, losses.box_reg, losses.mask, losses.objectness, losses.rpn_box_reg})
          .detach()
          .to(at::kCPU, at::kDouble);
  std::array<double, 5> result;
  std::copy_n(values.const_data_ptr<double>(), result.size(), result.begin());
  return result;
}

}  // namespace

std::vector<ModelState::Entry> ModelState::entries() const {
  std::vector<Entry> entries;
  collect(*network, "", entries);
  return entries;
}

Napi::Function Model::define(Napi::Env env) {
  return DefineClass(
      env,
      "Model",
      {StaticMethod<&Model::create>("create"),
       InstanceMethod<&Model::parameters>("parameters"),
       InstanceMethod<&Model::set_trainable>("setTrainable"),
       InstanceMethod<&Model::state_dict>("stateDict"),
       InstanceMethod<&Model::load_state_dict>("loadStateDict"),
       InstanceMethod<&Model::compute_losses>("computeLosses"),
       InstanceMethod<&Model::detect>("detect"),
       InstanceMethod<&Model::trace>("trace"),
       InstanceMethod<&Model::gradient_norms>("gradientNorms"),
       InstanceMethod<&Model::random_state>("randomState"),
       InstanceMethod<&Model::set_random_state>("setRandomState"),
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
  const auto worker = std::make_shared<Worker>(env);
  return worker->run(
      env,
      [options] { return build(options); },
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
    return worker(env)->run(env, [state = state(env), names] { train_only(*state, names); });
  });
}

Napi::Value Model::state_dict(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return worker(env)->run(
      env,
      [state = state(env)] {
        NamedTensors tensors;
        for (const auto& entry : state->entries()) {
          tensors.emplace_back(
              entry.name,
              entry.tensor.detach()
                  .to(at::kCPU, entry.tensor.scalar_type(), /*non_blocking=*/false, /*copy=*/true)
                  .contiguous());
        }
        return tensors;
      },
      [](Napi::Env env, const NamedTensors& tensors) { return from_named_tensors(env, tensors); });
}

Napi::Value Model::load_state_dict(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto tensors = guarded(env, [&] { return to_named_tensors(info[0]); });
  return worker(env)->run(env, [state = state(env), tensors] { load(*state, tensors); });
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
    return worker(env)->run(
        env,
        [state = state(env),
         images,
         targets,
         backward = options.boolean("backward"),
         loss_scale = options.number("lossScale")] {
          return run_losses(*state, images, targets, backward, loss_scale);
        },
        [](Napi::Env env, const std::array<double, 5>& values) -> Napi::Value {
          constexpr std::array<const char*, 5> names{
              "loss_classifier",
              "loss_box_reg",
              "loss_mask",
              "loss_objectness",
              "loss_rpn_box_reg"};
          auto object = Napi::Object::New(env);
          for (size_t i = 0; i < names.size(); ++i)
            object.Set(names[i], Napi::Number::New(env, values[i]));
          return object;
        });
  });
}

Napi::Value Model::detect(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    const auto images = to_images(info[0]);
    const auto options = to_detect_options(info[1]);
    return worker(env)->run(
        env,
        [state = state(env), images, options] {
          const at::NoGradGuard no_grad;
          state->network->eval();
          return detect_and_encode(state->network, images, options);
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

Napi::Value Model::gradient_norms(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return worker(env)->run(
      env,
      [state = state(env)] {
        std::vector<std::pair<std::string, double>> norms;
        for (const auto& entry : state->entries()) {
          if (!entry.is_parameter) continue;
          const auto& gradient = entry.tensor.grad();
          // In float32 the sum over fc6's 13 million elements is off by a thousandth.
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

Napi::Value Model::random_state(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return worker(env)->run(
      env,
      [state = state(env)] { return state->generator.get_state(); },
      [](Napi::Env env, const at::Tensor& bytes) { return from_bytes(env, bytes); });
}

Napi::Value Model::set_random_state(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto bytes = guarded(env, [&] { return to_bytes(info[0]); });
  return worker(env)->run(env, [state = state(env), bytes] { state->generator.set_state(bytes); });
}

Napi::Value Model::seed(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  if (!info[0].IsNumber()) throw Napi::TypeError::New(env, "The seed must be a number.");
  const auto seed = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
  return worker(env)->run(
      env, [state = state(env), seed] { state->generator.set_current_seed(seed); });
}

void Model::dispose(const Napi::CallbackInfo&) {
  // Jobs under way hold the state themselves.
  state_.reset();
  worker_.reset();
}

}  // namespace maskrcnn::binding
