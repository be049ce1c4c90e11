#include "ops/roi_align.h"

#include "ops/roi_align_cpu.h"
#include "ops/torchvision.h"
#include "torch.h"

// Letters: N images, C channels, H W rows and columns of the feature map, R rois, P output_size.

namespace maskrcnn::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct RoiAlignFunction : torch::autograd::Function<RoiAlignFunction> {
  static at::Tensor forward(
      AutogradContext* context,
      const at::Tensor& input,
      const at::Tensor& rois,
      double spatial_scale,
      int64_t output_size,
      int64_t sampling_ratio) {
    context->save_for_backward({rois});
    context->saved_data["input_sizes"] = input.sizes();
    context->saved_data["spatial_scale"] = spatial_scale;
    context->saved_data["output_size"] = output_size;
    context->saved_data["sampling_ratio"] = sampling_ratio;
    if (!input.is_cpu()) {
      return torchvision::roi_align(input, rois, spatial_scale, output_size, sampling_ratio);
    }
    return roi_align_cpu(input, rois, {spatial_scale, output_size, sampling_ratio});
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto& grad = grads[0];  // [R,C,P,P]
    const auto rois = context->get_saved_variables()[0];
    const auto sizes = context->saved_data["input_sizes"].toIntVector();
    const auto spatial_scale = context->saved_data["spatial_scale"].toDouble();
    const auto output_size = context->saved_data["output_size"].toInt();
    const auto sampling_ratio = context->saved_data["sampling_ratio"].toInt();
    const auto grad_input =
        grad.is_cpu() ? roi_align_backward_cpu(
                            grad, rois, sizes, {spatial_scale, output_size, sampling_ratio})
                      : torchvision::roi_align_backward(
                            grad, rois, sizes, spatial_scale, output_size, sampling_ratio);
    return {grad_input, {}, {}, {}, {}};
  }
};

}  // namespace

at::Tensor roi_align(
    const at::Tensor& input,
    const at::Tensor& rois,
    double spatial_scale,
    int64_t output_size,
    int64_t sampling_ratio) {
  TORCH_CHECK(
      input.dim() == 4 && input.numel() > 0,
      "roi_align: the input must be [N,C,H,W] and not empty, got ",
      input.sizes());
  TORCH_CHECK(
      rois.dim() == 2 && rois.size(1) == 5,
      "roi_align: the rois must be [R,5], got ",
      rois.sizes());
  TORCH_CHECK(output_size > 0, "roi_align: output_size must be positive, got ", output_size);
  TORCH_CHECK(
      !input.is_cpu() || input.scalar_type() == at::kFloat,
      "roi_align: the input must be float32 on the CPU, got ",
      input.scalar_type());
  return RoiAlignFunction::apply(input, rois.detach(), spatial_scale, output_size, sampling_ratio);
}

}  // namespace maskrcnn::ops
