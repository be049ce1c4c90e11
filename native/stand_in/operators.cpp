// The stand-in's operators are the CPU's. They also refuse what a GPU would refuse, and record
// where the program would have waited for a GPU.
#include "stand_in/operators.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <torch/library.h>

#include <string>
#include <unordered_set>

#include "ops/nms.h"
#include "ops/roi_align_cpu.h"
#include "stand_in/journal.h"
#include "stand_in/memory.h"

namespace maskrcnn::stand_in {

namespace {

constexpr c10::DispatchKeySet kKeys(c10::DispatchKey::MTIA);

// The program knows the sizes or values of their results when they return, so it must wait for a
// GPU.
const std::unordered_set<std::string> kWaiting = {
    "aten::_local_scalar_dense",
    "aten::_unique2",
    "aten::bincount",
    "aten::equal",
    "aten::masked_select",
    "aten::nonzero",
    "aten::repeat_interleave",
    "aten::unique_consecutive",
    "aten::unique_dim",
    "torchvision::nms",
};

struct Seen {
  bool device = false, cpu = false, mask = false;

  void see(const at::Tensor& tensor) {
    if (!tensor.defined()) return;
    device |= tensor.is_mtia();
    // Scalars may be on the CPU, because they are arguments of a kernel.
    cpu |= tensor.is_cpu() && tensor.dim() > 0;
    mask |= tensor.scalar_type() == at::kBool;
  }
};

Seen look_at(const torch::jit::Stack& stack, size_t first, bool lists_alone) {
  Seen seen;
  for (size_t i = first; i < stack.size(); ++i) {
    const auto& value = stack[i];
    if (value.isTensor() && !lists_alone) seen.see(value.toTensor());
    if (value.isTensorList())
      for (const auto& tensor : value.toTensorVector()) seen.see(tensor);
    if (value.isOptionalTensorList()) {
      for (const auto& tensor : value.toOptionalTensorVector())
        if (tensor.has_value()) seen.see(*tensor);
    }
  }
  return seen;
}

void wait_for(const std::string& what) {
  TORCH_CHECK(!is_capturing(), what, " cannot be part of a graph: it waits for the device");
  note_wait(what, operators_so_far());
}

void call(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto& name = op.schema().name();
  const auto first = stack->size() - op.schema().arguments().size();
  const auto seen = look_at(*stack, first, /*lists_alone=*/false);
  TORCH_CHECK(
      !seen.cpu || !seen.device, name, ": all tensors must be on one device, got some on the CPU");
  note_operator();
  // A boolean index is converted to positions, and the program must know their number.
  const bool selects = name.starts_with("aten::index") || name.starts_with("aten::_index");
  if (kWaiting.contains(name) || (selects && look_at(*stack, first, /*lists_alone=*/true).mask))
    wait_for(name);
  torch::jit::Stack arguments;
  if (is_capturing()) arguments.assign(stack->begin() + static_cast<int64_t>(first), stack->end());
  run_on_cpu(op, *stack);
  if (!is_capturing()) return;
  const auto results = op.schema().returns().size();
  capture({op, std::move(arguments), {stack->end() - static_cast<int64_t>(results), stack->end()}});
}

void call_anything(const c10::OperatorHandle& op, c10::DispatchKeySet, torch::jit::Stack* stack) {
  call(op, stack);
}

// For devices that it does not know, libtorch calls convolutions by other names.
void convolution(const c10::OperatorHandle&, c10::DispatchKeySet, torch::jit::Stack* stack) {
  call(c10::Dispatcher::singleton().findSchemaOrThrow("aten::convolution", ""), stack);
}

void convolution_backward(
    const c10::OperatorHandle&, c10::DispatchKeySet, torch::jit::Stack* stack) {
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("aten::convolution_backward", "");
  const auto after_weight =
      stack->end() - static_cast<int64_t>(op.schema().arguments().size() - 1) + 3;
  const auto channels = (after_weight - 3)->toTensor().size(1);
  stack->insert(after_weight, c10::IValue(std::vector<int64_t>{channels}));  // bias_sizes
  call(op, stack);
}

at::Tensor empty(
    at::IntArrayRef size,
    std::optional<at::ScalarType> dtype,
    std::optional<at::Layout>,
    std::optional<at::Device>,
    std::optional<bool>,
    std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(
      size, &device_memory(), kKeys, c10::dtype_or_default(dtype), format);
}

at::Tensor empty_strided(
    at::IntArrayRef size,
    at::IntArrayRef stride,
    std::optional<at::ScalarType> dtype,
    std::optional<at::Layout>,
    std::optional<at::Device>,
    std::optional<bool>) {
  return at::detail::empty_strided_generic(
      size, stride, &device_memory(), kKeys, c10::dtype_or_default(dtype));
}

const at::Tensor& resize(
    const at::Tensor& self, at::IntArrayRef size, std::optional<at::MemoryFormat> format) {
  const auto fresh = empty(size, self.scalar_type(), {}, {}, {}, format);
  auto* const tensor = self.unsafeGetTensorImpl();
  tensor->set_storage_keep_dtype(fresh.storage());
  tensor->set_sizes_and_strides(fresh.sizes(), fresh.strides());
  return self;
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool non_blocking) {
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("aten::copy_", "");
  if (from.is_mtia() && to.is_mtia()) {
    torch::jit::Stack stack{to, from, non_blocking};
    call(op, &stack);
    return to;
  }
  const auto& on_host = from.is_cpu() ? from : to;
  if (on_host.numel() > 0 && !(non_blocking && on_host.is_pinned()))
    wait_for(from.is_cpu() ? "upload" : "read-back");
  torch::jit::Stack stack{to, from, non_blocking};
  run_on_cpu(op, stack);
  return to;
}

// torchvision's operators, implemented by this package's operators for the CPU.

at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores, double iou_threshold) {
  return ops::nms(boxes, scores, iou_threshold);
}

at::Tensor roi_align(
    const at::Tensor& input,
    const at::Tensor& rois,
    double spatial_scale,
    int64_t output_height,
    int64_t,
    int64_t sampling_ratio,
    bool) {
  const auto level_of = at::zeros({rois.size(0)}, at::kLong);
  return ops::roi_align_cpu(
      {input},
      rois,
      level_of,
      {{spatial_scale}, output_height, sampling_ratio, at::MemoryFormat::Contiguous});
}

at::Tensor roi_align_backward(
    const at::Tensor& grad,
    const at::Tensor& rois,
    double spatial_scale,
    int64_t output_height,
    int64_t,
    int64_t batch,
    int64_t channels,
    int64_t height,
    int64_t width,
    int64_t sampling_ratio,
    bool) {
  const auto level_of = at::zeros({rois.size(0)}, at::kLong);
  return ops::roi_align_backward_cpu(
             grad,
             rois,
             level_of,
             {{batch, channels, height, width}},
             {{spatial_scale}, output_height, sampling_ratio, at::MemoryFormat::Contiguous})
      .front();
}

// Not registered if torchvision's own library is in the process. Its CPU kernels are used then.
struct TorchvisionOperators {
  torch::Library schemas{torch::Library::FRAGMENT, "torchvision", {}, __FILE__, __LINE__};
  torch::Library kernels{
      torch::Library::IMPL, "torchvision", c10::DispatchKey::CPU, __FILE__, __LINE__};

  TorchvisionOperators() {
    schemas.def("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor");
    schemas.def(
        "roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, "
        "int pooled_width, int sampling_ratio, bool aligned) -> Tensor");
    schemas.def(
        "_roi_align_backward(Tensor grad, Tensor rois, float spatial_scale, int pooled_height, "
        "int pooled_width, int batch_size, int channels, int height, int width, "
        "int sampling_ratio, bool aligned) -> Tensor");
    kernels.impl("nms", TORCH_FN(nms));
    kernels.impl("roi_align", TORCH_FN(roi_align));
    kernels.impl("_roi_align_backward", TORCH_FN(roi_align_backward));
  }
};

const auto* const torchvision_operators =
    c10::Dispatcher::singleton().findSchema({"torchvision::nms", ""}).has_value()
        ? nullptr
        : new TorchvisionOperators;

}  // namespace

TORCH_LIBRARY_IMPL(_, MTIA, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&call_anything>());
}

TORCH_LIBRARY_IMPL(aten, MTIA, library) {
  library.impl("empty.memory_format", TORCH_FN(empty));
  library.impl("empty_strided", TORCH_FN(empty_strided));
  library.impl("resize_", TORCH_FN(resize));
  library.impl("_copy_from", TORCH_FN(copy_from));
  library.impl("as_strided", TORCH_FN(at::native::as_strided_tensorimpl));
  library.impl("view", TORCH_FN(at::native::view));
  library.impl("_reshape_alias", TORCH_FN(at::native::_reshape_alias));
  // Uses the form that returns a new tensor. The other form writes into an existing result, which
  // the CPU's kernel temporarily enlarges.
  library.impl("smooth_l1_loss", torch::CppFunction::makeFromBoxedFunction<&call_anything>());
  library.impl(
      "convolution_overrideable", torch::CppFunction::makeFromBoxedFunction<&convolution>());
  library.impl(
      "convolution_backward_overrideable",
      torch::CppFunction::makeFromBoxedFunction<&convolution_backward>());
}

}  // namespace maskrcnn::stand_in
