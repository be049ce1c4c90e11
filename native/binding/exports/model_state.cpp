#include "binding/exports/model_state.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "binding/worker/errors.h"
#include "device/transfers.h"
#include "layers/initial_values.h"
#include "memory/tensor_memory.h"

namespace maskrcnn::binding {

namespace {

void collect(
    const Module& part, const std::string& prefix, std::vector<ModelState::Entry>& entries) {
  for (const auto& [name, tensor] : part.own_parameters())
    entries.push_back({prefix + name, tensor, /*is_parameter=*/true});
  for (const auto& [name, tensor] : part.own_buffers())
    entries.push_back({prefix + name, tensor, /*is_parameter=*/false});
  for (const auto& [name, child] : part.children()) collect(*child, prefix + name + ".", entries);
}

// The memory format of cuDNN's kernels for tensor cores. They would convert weights in another
// format at every call.
void make_channels_last(const Module& network) {
  for (const auto& parameter : network.parameters()) {
    if (parameter.dim() == 4)
      parameter.set_data(parameter.detach().contiguous(at::MemoryFormat::ChannelsLast));
  }
}

void check_device(const at::Device& device) {
  if (device.is_cpu()) return;
  const bool is_known = c10::impl::hasDeviceGuardImpl(device.type());
  const auto count = is_known ? c10::impl::VirtualGuardImpl(device.type()).deviceCount() : 0;
  if (device.index() < count) return;
  throw Failure(
      "DEVICE_UNAVAILABLE",
      "The device " + device.str() + " is not here: libtorch sees " + std::to_string(count) +
          " GPUs.");
}

}  // namespace

std::shared_ptr<ModelState> build_model(const ModelOptions& options, bool initialize) {
  check_device(options.device);
  // Stays set: all jobs of this model run on this thread.
  if (!options.device.is_cpu()) {
    c10::impl::VirtualGuardImpl(options.device.type()).setDevice(options.device);
  }
  // The initialisers use libtorch's global generator.
  static std::mutex global_generator;
  const std::lock_guard lock(global_generator);
  at::manual_seed(options.seed);
  std::optional<WithoutInitialValues> skip;
  if (!initialize) skip.emplace();
  const auto network = std::make_shared<MaskRCNN>(options.network);
  network->to(options.device);
  if (!options.device.is_cpu()) make_channels_last(*network);
  return std::shared_ptr<ModelState>(
      new ModelState{network, at::make_generator<at::CPUGeneratorImpl>(options.seed)});
}

ModelState::~ModelState() {
  const auto device = network->device();
  // Another device may be current on the JavaScript thread.
  const c10::DeviceGuard guard(device);
  network = nullptr;
  for (const auto& optimizer : optimizers) {
    if (const auto alive = optimizer.lock()) alive->release();
  }
  if (device.is_cpu()) {
    memory::release_tensor_memory();
  } else {
    at::getDeviceAllocator(device.type())->emptyCache();
  }
}

std::vector<ModelState::Entry> ModelState::entries() const {
  std::vector<Entry> found;
  collect(*network, "", found);
  return found;
}

NamedTensors ModelState::copy() const {
  NamedTensors tensors;
  for (const auto& entry : entries()) {
    tensors.emplace_back(
        entry.name,
        entry.tensor.detach()
            .to(at::kCPU, entry.tensor.scalar_type(), /*non_blocking=*/false, /*copy=*/true)
            .contiguous());
  }
  return tensors;
}

void ModelState::load(const NamedTensors& tensors) const {
  const at::NoGradGuard no_grad;
  auto own = entries();
  TORCH_CHECK(
      own.size() == tensors.size(), "expected ", own.size(), " tensors, got ", tensors.size());
  std::unordered_map<std::string, at::Tensor> by_name(tensors.begin(), tensors.end());
  for (const auto& entry : own) {
    const auto found = by_name.find(entry.name);
    TORCH_CHECK(found != by_name.end(), "no tensor is named ", entry.name);
    // copy_ would broadcast other shapes.
    TORCH_CHECK(
        found->second.sizes() == entry.tensor.sizes(),
        entry.name,
        " has shape ",
        entry.tensor.sizes(),
        ", got ",
        found->second.sizes());
  }
  for (auto& entry : own) {
    const auto& value = by_name.at(entry.name);
    const bool fits = value.options().type_equal(entry.tensor.options()) &&
                      value.device() == entry.tensor.device() &&
                      value.strides() == entry.tensor.strides();
    if (fits) {
      entry.tensor.set_data(value);
    } else {
      entry.tensor.copy_(value);
    }
  }
}

void ModelState::train_only(std::unordered_set<std::string> names) const {
  std::vector<std::pair<at::Tensor, bool>> changes;
  for (const auto& entry : entries()) {
    if (entry.is_parameter) changes.emplace_back(entry.tensor, names.erase(entry.name) == 1);
  }
  TORCH_CHECK(names.empty(), "no parameter is named ", *names.begin());
  for (auto& [parameter, trainable] : changes) {
    parameter.set_requires_grad(trainable);
    if (!trainable) parameter.mutable_grad().reset();
  }
}

Generators ModelState::generators_of(size_t images, const std::vector<int64_t>& seeds) const {
  if (seeds.empty()) return Generators(images, generator);
  TORCH_CHECK(seeds.size() == images, "expected a seed per image, got ", seeds.size());
  Generators generators;
  for (const auto seed : seeds)
    generators.push_back(at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(seed)));
  return generators;
}

std::array<double, 5> ModelState::compute_losses(
    const std::vector<at::Tensor>& images,
    std::vector<Target> targets,
    Generators generators,
    bool backward,
    double loss_scale) {
  const at::AutoGradMode grad_mode(backward);
  network->train();
  std::optional<ReadBack> losses;
  try {
    const auto parts = network->compute_losses(images, std::move(targets), generators);
    // Before the backward pass, so that a GPU still has work when the losses arrive.
    losses.emplace({parts.values()});
    if (backward) (parts.total() * loss_scale).backward();
  } catch (...) {
    // The gradients of a failed batch must not be part of the next step.
    for (const auto& parameter : network->parameters()) parameter.mutable_grad().reset();
    throw;
  }
  const auto& values = losses->wait().front();
  std::array<double, 5> result;
  std::copy_n(values.const_data_ptr<float>(), result.size(), result.begin());
  return result;
}

}  // namespace maskrcnn::binding
