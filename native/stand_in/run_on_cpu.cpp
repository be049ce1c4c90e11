#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>

#include <optional>
#include <utility>
#include <vector>

#include "stand_in/memory.h"
#include "stand_in/operators.h"

namespace maskrcnn::stand_in {

at::Tensor on_cpu(const at::Tensor& tensor) {
  return at::from_blob(
      behind(tensor.data_ptr()),
      tensor.sizes(),
      tensor.strides(),
      tensor.options().device(at::kCPU));
}

namespace {

bool is_on_device(const at::Tensor& tensor) {
  return tensor.defined() && tensor.is_mtia();
}

at::Tensor copied_to_device(const at::Tensor& tensor) {
  auto copy =
      at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options().device(at::kMTIA));
  on_cpu(copy).copy_(tensor);
  return copy;
}

// Converts the arguments of a call for the CPU, and its results back for the device.
class Arguments {
 public:
  c10::IValue on_cpu(const c10::IValue& value, bool is_written) {
    if (value.isTensor()) return c10::IValue(tensor_on_cpu(value.toTensor(), is_written));
    if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector())
        list.push_back(tensor_on_cpu(tensor, is_written));
      return list;
    }
    if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> list;
      for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector()) {
        list.push_back(
            tensor.has_value() ? std::optional(tensor_on_cpu(*tensor, is_written)) : std::nullopt);
      }
      return list;
    }
    return value.isDevice() ? c10::IValue(at::Device(at::kCPU)) : value;
  }

  // Tensors that were empty and that the operator enlarged are in CPU memory: copies them to the
  // device.
  void take_grown() const {
    for (const auto& [original, own] : pairs_) {
      if (original.numel() == 0 && own.numel() > 0) {
        original.resize_(own.sizes());
        maskrcnn::stand_in::on_cpu(original).copy_(own);
      }
    }
  }

  c10::IValue on_device(const c10::IValue& value) const {
    if (value.isTensor()) return c10::IValue(tensor_on_device(value.toTensor()));
    if (!value.isTensorList()) return value;
    c10::List<at::Tensor> list;
    for (const at::Tensor& tensor : value.toTensorVector())
      list.push_back(tensor_on_device(tensor));
    return list;
  }

 private:
  at::Tensor tensor_on_cpu(const at::Tensor& tensor, bool is_written) {
    if (!is_on_device(tensor)) return tensor;
    // The operator may enlarge it, which is impossible with borrowed memory.
    auto own = is_written && tensor.numel() == 0
                   ? at::empty(tensor.sizes(), tensor.options().device(at::kCPU))
                   : maskrcnn::stand_in::on_cpu(tensor);
    pairs_.emplace_back(tensor, own);
    return own;
  }

  at::Tensor tensor_on_device(const at::Tensor& result) const {
    if (!result.defined()) return result;
    for (const auto& [original, own] : pairs_) {
      if (result.is_same(own)) return original;
      if (result.numel() > 0 && result.is_alias_of(own)) {
        const auto offset = result.storage_offset() + original.storage_offset();
        return original.as_strided(result.sizes(), result.strides(), offset);
      }
    }
    return copied_to_device(result);
  }

  std::vector<std::pair<at::Tensor, at::Tensor>> pairs_;  // on the device, on the CPU
};

void write_over(const c10::IValue& old, const c10::IValue& fresh) {
  if (old.isTensor()) {
    const auto& to = old.toTensor();
    const auto& from = fresh.toTensor();
    if (to.defined() && to.data_ptr() != from.data_ptr()) on_cpu(to).copy_(on_cpu(from));
  } else if (old.isTensorList()) {
    const auto to = old.toTensorVector(), from = fresh.toTensorVector();
    for (size_t i = 0; i < to.size(); ++i) write_over(to[i], from[i]);
  }
}

}  // namespace

void run_on_cpu(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  at::AutoDispatchBelowADInplaceOrView below_autograd;
  const auto& schema = op.schema();
  const auto first = stack.size() - schema.arguments().size();
  Arguments arguments;
  for (size_t i = first; i < stack.size(); ++i) {
    const auto* const alias = schema.arguments()[i - first].alias_info();
    stack[i] = arguments.on_cpu(stack[i], alias != nullptr && alias->isWrite());
  }
  op.callBoxed(&stack);
  arguments.take_grown();
  for (size_t i = stack.size() - schema.returns().size(); i < stack.size(); ++i)
    stack[i] = arguments.on_device(stack[i]);
}

void repeat(const Call& call) {
  auto stack = call.arguments;
  run_on_cpu(call.op, stack);
  for (size_t i = 0; i < stack.size(); ++i) write_over(call.results[i], stack[i]);
}

}  // namespace maskrcnn::stand_in
