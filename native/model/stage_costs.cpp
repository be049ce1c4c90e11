#include "model/stage_costs.h"

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "ops/recorded_products.h"

namespace maskrcnn {
namespace {

thread_local double flops = 0;

// Of rows and columns. A list of one number stands for both.
std::vector<int64_t> of_both_axes(const c10::IValue& value) {
  auto list = value.isIntList() ? value.toIntVector()
                                : at::asIntArrayRefUnchecked(value.toSymIntVector()).vec();
  if (list.size() == 1) list.push_back(list.front());
  return list;
}

// For aten::convolution(input, weight, bias, stride, padding, dilation, transposed, ...). Each
// number of the output takes one multiply-add per weight of its output channel. In a transposed
// convolution, each number of the input takes one per weight of its input channel.
double flops_of_convolution(at::ArrayRef<const c10::IValue> inputs) {
  const auto& input = inputs[0].toTensor();
  const auto& weight = inputs[1].toTensor();
  const auto per_number = 2.0 * static_cast<double>(weight.numel() / weight.size(0));
  if (inputs[6].toBool()) return per_number * static_cast<double>(input.numel());
  const auto stride = of_both_axes(inputs[3]), padding = of_both_axes(inputs[4]);
  const auto dilation = of_both_axes(inputs[5]);
  auto numbers = static_cast<double>(input.size(0) * weight.size(0));
  for (size_t i = 0; i < 2; ++i) {
    const auto axis = static_cast<int64_t>(i) + 2;
    const auto reach = dilation[i] * (weight.size(axis) - 1) + 1;
    numbers *= static_cast<double>((input.size(axis) + 2 * padding[i] - reach) / stride[i] + 1);
  }
  return per_number * numbers;
}

// Counts at the start of a call, because the inputs are gone at its end.
std::unique_ptr<at::ObserverContext> count(const at::RecordFunction& call) {
  const char* name = call.name();
  if (std::strcmp(name, "aten::convolution") == 0) {
    flops += flops_of_convolution(call.inputs());
  } else if (
      std::strcmp(name, "aten::addmm") == 0 && !at::autocast::is_autocast_enabled(at::kCPU)) {
    // Autocast calls the operator a second time with the converted inputs and with itself disabled.
    const auto& weight = call.inputs()[2].toTensor();
    flops += 2.0 * static_cast<double>(call.inputs()[1].toTensor().numel() * weight.size(1));
  } else if (std::strcmp(name, ops::kProducts) == 0) {
    // The number of products of a direct convolution, not of the faster algorithm.
    flops += 2.0 * call.inputs()[0].toDouble();
  }
  return nullptr;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

StageCosts::StageCosts()
    : callback_(
          at::addThreadLocalCallback(at::RecordFunctionCallback(count).needsInputs(true).scopes(
              {at::RecordScope::FUNCTION}))) {
  flops = 0;
  start_ = std::chrono::steady_clock::now();
}

StageCosts::~StageCosts() {
  at::removeCallback(callback_);
}

void StageCosts::lap(const char* stage) {
  costs_.push_back({stage, seconds_since(start_), flops});
  flops = 0;
  start_ = std::chrono::steady_clock::now();
}

double convolution_rate(at::ScalarType type) {
  const at::NoGradGuard no_grad;
  const auto options = at::TensorOptions().dtype(type);
  const auto input =
      at::ones({1, 256, 128, 176}, options).contiguous(at::MemoryFormat::ChannelsLast);
  const auto weight =
      at::ones({256, 256, 3, 3}, options).contiguous(at::MemoryFormat::ChannelsLast);
  const double work = 2.0 * static_cast<double>(input.numel()) * 256 * 3 * 3;
  double best = 0;
  for (int round = 0; round < 10; ++round) {
    const auto start = std::chrono::steady_clock::now();
    at::conv2d(input, weight, /*bias=*/{}, /*stride=*/1, /*padding=*/1);
    best = std::max(best, work / seconds_since(start));
  }
  return best;
}

}  // namespace maskrcnn
