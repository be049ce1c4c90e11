#include "layers/module.h"

namespace maskrcnn {

void Module::for_each(const std::function<void(const Module&)>& work) const {
  work(*this);
  for (const auto& [name, child] : children_) child->for_each(work);
}

std::vector<at::Tensor> Module::parameters() const {
  std::vector<at::Tensor> found;
  for_each([&](const Module& part) {
    for (const auto& [name, tensor] : part.parameters_) found.push_back(tensor);
  });
  return found;
}

std::vector<at::Tensor> Module::buffers() const {
  std::vector<at::Tensor> found;
  for_each([&](const Module& part) {
    for (const auto& [name, tensor] : part.buffers_) found.push_back(tensor);
  });
  return found;
}

void Module::set_training(bool is_training) {
  is_training_ = is_training;
  for (const auto& [name, child] : children_) child->set_training(is_training);
}

void Module::to(at::Device device) const {
  for (const auto& tensor : parameters()) tensor.set_data(tensor.detach().to(device));
  for (const auto& tensor : buffers()) tensor.set_data(tensor.to(device));
}

at::Tensor Module::add_parameter(const std::string& name, const at::Tensor& values) {
  values.requires_grad_();
  parameters_.emplace_back(name, values);
  return values;
}

at::Tensor Module::add_buffer(const std::string& name, const at::Tensor& values) {
  buffers_.emplace_back(name, values);
  return values;
}

at::Tensor run_layers(std::span<const std::shared_ptr<Layer>> layers, const at::Tensor& x) {
  auto out = x;
  for (const auto& layer : layers) out = layer->forward(out);
  return out;
}

at::Tensor Sequential::forward(const at::Tensor& x) {
  return run_layers(layers_, x);
}

}  // namespace maskrcnn
