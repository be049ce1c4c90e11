#include "binding/conversion/model_options.h"

#include "aten.h"
#include "binding/conversion/arguments.h"
#include "binding/conversion/fields.h"
#include "binding/worker/threads.h"

namespace maskrcnn::binding {

namespace {

RoiPoolOptions to_roi_pool(const Fields& fields) {
  return {
      fields.strings("featmapNames"),
      fields.integer("outputSize"),
      fields.integer("samplingRatio")};
}

SamplingOptions to_sampling(const Fields& fields, const std::string& prefix) {
  const auto field = [&](const char* name) { return prefix + name; };
  return {
      fields.number(field("FgIouThresh").c_str()),
      fields.number(field("BgIouThresh").c_str()),
      fields.integer(field("BatchSizePerImage").c_str()),
      fields.number(field("PositiveFraction").c_str())};
}

BackboneOptions to_backbone_options(const Fields& fields, bool version_2) {
  BackboneOptions options;
  options.name = fields.string("backbone");
  options.frozen_norm = fields.string("backboneNorm") == "frozen";
  options.frozen_norm_eps = fields.number("frozenBatchNormEps");
  options.trainable_layers = fields.integer("trainableBackboneLayers");
  options.returned_layers = fields.integers("returnedLayers");
  options.fpn_batch_norm = version_2;
  options.fpn_channels = fields.integer("fpnChannels");
  return options;
}

TransformOptions to_transform_options(const Fields& fields) {
  std::optional<ImageSize> fixed_size;
  if (!fields.get("fixedSize").IsNull()) {
    const auto [width, height] = fields.array<2>("fixedSize");
    fixed_size = ImageSize{static_cast<int64_t>(height), static_cast<int64_t>(width)};
  }
  return {
      fields.integers("minSize"),
      fields.integer("maxSize"),
      fields.array<3>("imageMean"),
      fields.array<3>("imageStd"),
      fields.integer("sizeDivisible"),
      fixed_size,
      fields.boolean("skipResize")};
}

RpnOptions to_rpn_options(const Fields& fields, bool version_2) {
  return {
      {fields.lists_of_numbers("anchorSizes"), fields.lists_of_numbers("anchorAspectRatios")},
      /*conv_depth=*/version_2 ? 2 : 1,
      to_sampling(fields, "rpn"),
      {fields.integer("rpnPreNmsTopNTrain"), fields.integer("rpnPostNmsTopNTrain")},
      {fields.integer("rpnPreNmsTopNTest"), fields.integer("rpnPostNmsTopNTest")},
      fields.number("rpnNmsThresh"),
      fields.number("rpnScoreThresh")};
}

RoiHeadsOptions to_roi_heads_options(const Fields& fields, bool version_2) {
  return {
      fields.integer("numClasses"),
      version_2,
      fields.integer("boxRepresentationSize"),
      fields.string("masks") != "none",
      fields.integer("maskChannels"),
      to_roi_pool(fields.object("boxRoiPool")),
      to_roi_pool(fields.object("maskRoiPool")),
      to_sampling(fields, "box"),
      fields.array<4>("bboxRegWeights"),
      {fields.number("boxScoreThresh"),
       fields.number("boxNmsThresh"),
       fields.integer("boxDetectionsPerImg")}};
}

Precision to_precision(const std::string& name) {
  if (name == "bfloat16") return Precision::BFloat16;
  return name == "float16" ? Precision::Float16 : Precision::Float32;
}

Tf32 to_tf32(const std::string& name) {
  if (name == "all") return Tf32::All;
  return name == "convolutions" ? Tf32::Convolutions : Tf32::None;
}

}  // namespace

at::Device to_device(const std::string& name) {
  const at::Device device(name);
  return device.has_index() || device.is_cpu() ? device : at::Device(device.type(), 0);
}

ModelOptions to_model_options(const Napi::Value& value) {
  const Fields fields(value, "options");
  const bool version_2 = fields.integer("version") == 2;
  return {
      {{to_precision(fields.string("precision")), to_tf32(fields.string("tf32"))},
       fields.boolean("graphs"),
       to_backbone_options(fields, version_2),
       to_transform_options(fields),
       to_rpn_options(fields, version_2),
       to_roi_heads_options(fields, version_2)},
      to_device(fields.string("device")),
      static_cast<uint64_t>(fields.integer("seed")),
      static_cast<int>(read_integer(fields.get("threads"), "threads", 1, kMostThreads))};
}

}  // namespace maskrcnn::binding
