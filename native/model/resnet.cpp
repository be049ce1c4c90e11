#include "model/resnet.h"

#include <algorithm>
#include <unordered_map>

#include "layers/initial_values.h"
#include "layers/recomputed.h"

// Letters: N images, H W rows and columns of a block's input, S its stride.

namespace maskrcnn {

namespace {

const std::unordered_map<std::string, ResNetOptions> kResNets = {
    {"resnet18", {.bottleneck = false, .depth = {2, 2, 2, 2}}},
    {"resnet34", {.bottleneck = false, .depth = {3, 4, 6, 3}}},
    {"resnet50", {.bottleneck = true, .depth = {3, 4, 6, 3}}},
    {"resnet101", {.bottleneck = true, .depth = {3, 4, 23, 3}}},
    {"resnet152", {.bottleneck = true, .depth = {3, 8, 36, 3}}},
    {"resnext50_32x4d",
     {.bottleneck = true, .depth = {3, 4, 6, 3}, .groups = 32, .width_per_group = 4}},
    {"resnext101_32x8d",
     {.bottleneck = true, .depth = {3, 4, 23, 3}, .groups = 32, .width_per_group = 8}},
    {"resnext101_64x4d",
     {.bottleneck = true, .depth = {3, 4, 23, 3}, .groups = 64, .width_per_group = 4}},
    {"wide_resnet50_2", {.bottleneck = true, .depth = {3, 4, 6, 3}, .width_per_group = 128}},
    {"wide_resnet101_2", {.bottleneck = true, .depth = {3, 4, 23, 3}, .width_per_group = 128}},
};

constexpr int64_t kStemChannels = 64;
constexpr int64_t kExpansion = 4;  // output channels of a bottleneck per plane

std::shared_ptr<Conv2d> convolution(
    int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t groups = 1) {
  const auto conv = std::make_shared<Conv2d>(Conv2dOptions{
      .in = in,
      .out = out,
      .kernel = kernel,
      .stride = stride,
      .padding = kernel / 2,
      .groups = groups,
      .bias = false});
  draw_kaiming_normal(conv->weight);
  return conv;
}

// Adds the convolution as "conv" + index and its norm as "bn" + index of the parent.
ConvolutionUnit add_unit(
    Module& parent,
    int index,
    const std::shared_ptr<Conv2d>& conv,
    const NormOptions& norm,
    Activation activation) {
  const auto layer = make_norm(norm, conv->options.out);
  parent.add("conv" + std::to_string(index), conv);
  parent.add("bn" + std::to_string(index), layer);
  return {conv, layer, activation};
}

}  // namespace

bool is_resnet(const std::string& name) {
  return kResNets.contains(name);
}

ResNetOptions resnet_options(const std::string& name) {
  return kResNets.at(name);
}

Shortcut::Shortcut(
    Module& parent, int64_t in, int64_t out, int64_t stride, const NormOptions& options) {
  if (stride == 1 && in == out) return;
  const auto conv = convolution(in, out, /*kernel=*/1, stride);
  const auto norm = make_norm(options, out);
  const auto layers = parent.add("downsample", std::make_shared<Sequential>());
  layers->push_back(conv);
  layers->push_back(norm);
  projection = ConvolutionUnit(conv, norm, Activation::None);
}

at::Tensor Shortcut::forward(const at::Tensor& x) {
  return projection ? projection.forward(x) : x;
}

BasicBlock::BasicBlock(int64_t in, int64_t planes, int64_t stride, const NormOptions& norm) {
  const auto add = [&](int index, const std::shared_ptr<Conv2d>& conv) {
    return add_unit(*this, index, conv, norm, Activation::ReLU);
  };
  first = add(1, convolution(in, planes, /*kernel=*/3, stride));
  second = add(2, convolution(planes, planes, /*kernel=*/3, /*stride=*/1));
  downsample = Shortcut(*this, in, planes, stride, norm);
}

at::Tensor BasicBlock::forward(const at::Tensor& x) {
  const auto out = first.forward(x);  // [N,planes,H/S,W/S]
  return second.forward(out, /*addend=*/downsample.forward(x));
}

Bottleneck::Bottleneck(
    int64_t in,
    int64_t planes,
    int64_t stride,
    const ResNetOptions& options,
    const NormOptions& norm) {
  const auto width = planes * options.width_per_group / 64 * options.groups;
  const auto out = planes * kExpansion;
  const auto add = [&](int index, const std::shared_ptr<Conv2d>& conv) {
    return add_unit(*this, index, conv, norm, Activation::ReLU);
  };
  first = add(1, convolution(in, width, /*kernel=*/1, /*stride=*/1));
  second = add(2, convolution(width, width, /*kernel=*/3, stride, options.groups));
  third = add(3, convolution(width, out, /*kernel=*/1, /*stride=*/1));
  downsample = Shortcut(*this, in, out, stride, norm);
}

at::Tensor Bottleneck::forward(const at::Tensor& x) {
  auto out = first.forward(x);                                  // [N,width,H,W]
  out = second.forward(out);                                    // [N,width,H/S,W/S]
  return third.forward(out, /*addend=*/downsample.forward(x));  // [N,4·planes,H/S,W/S]
}

ResNet::ResNet(
    const ResNetOptions& options,
    const NormOptions& norm,
    const std::vector<int64_t>& returned_layers,
    int64_t trainable_layers) {
  const auto last = returned_layers.back();
  TORCH_CHECK(
      returned_layers.front() >= 1 && last <= 4,
      "the returned layers of a ResNet are 1 to 4, got ",
      returned_layers);
  const auto conv = convolution(3, kStemChannels, /*kernel=*/7, /*stride=*/2);
  stem = add_unit(*this, 1, conv, norm, Activation::ReLU);

  auto channels = kStemChannels;
  for (int64_t index = 1; index <= last; ++index) {
    const auto planes = kStemChannels << (index - 1);
    const auto layer = add("layer" + std::to_string(index), std::make_shared<Sequential>());
    for (int64_t block = 0; block < options.depth[index - 1]; ++block) {
      const int64_t stride = block == 0 && index > 1 ? 2 : 1;
      if (options.bottleneck) {
        layer->push_back(std::make_shared<Bottleneck>(channels, planes, stride, options, norm));
      } else {
        layer->push_back(std::make_shared<BasicBlock>(channels, planes, stride, norm));
      }
      channels = options.bottleneck ? planes * kExpansion : planes;
    }
    layers.push_back(layer);
    returned.push_back(std::ranges::find(returned_layers, index) != returned_layers.end());
    if (!returned.back()) continue;
    map_channels.push_back(channels);
    map_strides.push_back(int64_t{4} << (index - 1));  // the stem and its pooling halve, too
  }
  freeze(trainable_layers);
}

std::vector<at::Tensor> ResNet::forward(const at::Tensor& images) {
  const auto begin = [this](const at::Tensor& from) {  // [N,3,H,W] -> [N,64,H/4,W/4]
    return at::max_pool2d(stem.forward(from), /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
  };
  auto x = checkpoints_activations ? recomputed(images, stem.parameters(), begin) : begin(images);
  std::vector<at::Tensor> maps;
  for (size_t index = 0; index < layers.size(); ++index) {
    x = checkpoints_activations ? recomputed(layers[index]->layers(), x)
                                : layers[index]->forward(x);
    if (returned[index]) maps.push_back(x);
  }
  return maps;
}

// torchvision detection/backbone_utils.py, _resnet_fpn_extractor: unfreezes one layer at a time,
// starting at the last. The norm after the first convolution is unfrozen together with the fifth.
void ResNet::freeze(int64_t trainable_layers) {
  TORCH_CHECK(
      trainable_layers >= 0 && trainable_layers <= 5,
      "the trainable layers of a ResNet are 0 to 5, got ",
      trainable_layers);
  const std::vector<std::string> from_last = {"layer4", "layer3", "layer2", "layer1", "conv1"};
  for (const auto& [name, child] : children()) {
    const auto place = std::ranges::find(from_last, name) - from_last.begin();
    const bool trained = trainable_layers == 5 || place < trainable_layers;
    for (const auto& parameter : child->parameters()) parameter.set_requires_grad(trained);
  }
}

}  // namespace maskrcnn
