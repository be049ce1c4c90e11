#pragma once

#include <array>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "aten.h"
#include "binding/conversion/convert.h"
#include "binding/conversion/model_options.h"
#include "model/mask_rcnn.h"
#include "training/optimizer.h"

namespace maskrcnn::binding {

// What the jobs of one model share. Only the worker's thread touches it.
struct ModelState {
  MaskRCNN network;
  at::Generator generator;  // of the samplers
  // They let go of the weights with this: JavaScript collects their objects when it likes.
  std::vector<std::weak_ptr<maskrcnn::Optimizer>> optimizers = {};

  // Gives the memory back that is kept for later.
  ~ModelState();

  // The parameters and persistent buffers by name, in torchvision's order.
  struct Entry {
    std::string name;
    at::Tensor tensor;
    bool is_parameter;
  };
  std::vector<Entry> entries() const;

  // Their values, on the CPU.
  NamedTensors copy() const;
  // Takes over values, where it can their memory too: the names and shapes must be exactly the
  // model's.
  void load(const NamedTensors& tensors) const;
  // Exactly the parameters of these names get gradients from now on.
  void train_only(std::unordered_set<std::string> names) const;

  // In training mode: classifier, box regression, mask, objectness, RPN box regression. `backward`
  // adds their gradients, times `loss_scale`.
  std::array<double, 5> compute_losses(
      const std::vector<at::Tensor>& images,
      std::vector<Target> targets,
      bool backward,
      double loss_scale);
};

// The network with torchvision's initial values; without `initialize` their random part is left
// undefined. Throws Failure for a device that is not here.
std::shared_ptr<ModelState> build_model(const ModelOptions& options, bool initialize);

}  // namespace maskrcnn::binding
