#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "named_tensors.h"

namespace maskrcnn {

// A part of the network: its tensors and the parts below it, with the names of torchvision's state
// dict. It does what the network needs of torch::nn::Module, whose headers take longer to compile
// than the whole network.
class Module {
 public:
  using Children = std::vector<std::pair<std::string, std::shared_ptr<Module>>>;

  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  // Of this part alone, in the order in which they were added.
  const NamedTensors& own_parameters() const { return parameters_; }
  const NamedTensors& own_buffers() const { return buffers_; }
  const Children& children() const { return children_; }

  // Of this part and all parts below, each part before its children.
  std::vector<at::Tensor> parameters() const;
  std::vector<at::Tensor> buffers() const;

  bool is_training() const { return is_training_; }
  // The same for all parts below.
  void train() { set_training(true); }
  void eval() { set_training(false); }

  void to(at::Device device) const;

  // Calls `work` with this part and all parts below, each part before its children.
  void for_each(const std::function<void(const Module&)>& work) const;

  // Adds a part below this one and returns it.
  template <typename Part>
  std::shared_ptr<Part> add(const std::string& name, std::shared_ptr<Part> part) {
    children_.emplace_back(name, part);
    return part;
  }

 protected:
  at::Tensor add_parameter(const std::string& name, const at::Tensor& values);
  at::Tensor add_buffer(const std::string& name, const at::Tensor& values);

 private:
  void set_training(bool is_training);

  NamedTensors parameters_;
  NamedTensors buffers_;
  Children children_;
  bool is_training_ = true;
};

// A part that maps one tensor to another.
struct Layer : Module {
  virtual at::Tensor forward(const at::Tensor& x) = 0;
};

// The layers one after the other.
at::Tensor run_layers(std::span<const std::shared_ptr<Layer>> layers, const at::Tensor& x);

// Layers one after the other, with the names "0", "1", ...
class Sequential : public Layer {
 public:
  template <typename Part>
  std::shared_ptr<Part> push_back(std::shared_ptr<Part> layer) {
    layers_.push_back(layer);
    return add(std::to_string(children().size()), std::move(layer));
  }

  at::Tensor forward(const at::Tensor& x) override;

  Layer& operator[](size_t index) const { return *layers_[index]; }
  std::span<const std::shared_ptr<Layer>> layers() const { return layers_; }
  size_t size() const { return layers_.size(); }

 private:
  std::vector<std::shared_ptr<Layer>> layers_;
};

}  // namespace maskrcnn
