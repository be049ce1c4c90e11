#pragma once

#include <array>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "aten.h"
#include "binding/conversion/convert.h"
#include "binding/conversion/model_options.h"
#include "binding/exports/shared_training.h"
#include "model/mask_rcnn.h"
#include "training/optimizer.h"

namespace maskrcnn::binding {

// The state that the jobs of one model share. Only the worker's thread uses it.
struct ModelState {
  std::shared_ptr<MaskRCNN> network;
  at::Generator generator;  // for the samplers
  // They release their tensors together with this state, because JavaScript may collect their
  // objects much later.
  std::vector<std::weak_ptr<maskrcnn::Optimizer>> optimizers = {};

  // Returns cached memory to the system or the GPU.
  ~ModelState();

  // Parameters and persistent buffers with their names, in torchvision's order.
  struct Entry {
    std::string name;
    at::Tensor tensor;
    bool is_parameter;
  };
  std::vector<Entry> entries() const;

  // Copies of all values, on the CPU.
  NamedTensors copy() const;
  // Loads values, and takes over their memory if possible. Names and shapes must match the model
  // exactly.
  void load(const NamedTensors& tensors) const;
  // From now on, exactly the named parameters get gradients.
  void train_only(std::unordered_set<std::string> names) const;

  // A generator for each image: a fresh one with its seed (the lower 32 bits), or the model's own
  // for all images if there are no seeds.
  Generators generators_of(size_t images, const std::vector<int64_t>& seeds) const;

  // Runs in training mode. Returns the losses of classifier, box regression, mask, objectness and
  // RPN box regression. `backward` also adds their gradients, multiplied by `loss_scale`.
  std::array<double, 5> compute_losses(
      const std::vector<at::Tensor>& images,
      std::vector<Target> targets,
      Generators generators,
      bool backward,
      double loss_scale);

  // Set while the processes of a group train this model together.
  std::unique_ptr<SharedTraining> shared = {};
};

// Builds the network with torchvision's initial values. Without `initialize`, values that would be
// random stay undefined. Throws Failure if the device does not exist.
std::shared_ptr<ModelState> build_model(const ModelOptions& options, bool initialize);

}  // namespace maskrcnn::binding
