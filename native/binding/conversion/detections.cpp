#include "binding/conversion/detections.h"

#include <algorithm>
#include <array>
#include <utility>

#include "binding/conversion/convert.h"
#include "binding/conversion/fields.h"
#include "binding/worker/errors.h"
#include "masks/paste.h"
#include "masks/rle.h"

namespace maskrcnn::binding {

namespace {

constexpr std::array<std::pair<const char*, MaskFormat>, 4> kMaskFormats{{
    {"rle", MaskFormat::Rle},
    {"bitmap", MaskFormat::Bitmap},
    {"float", MaskFormat::Float},
    {"none", MaskFormat::None},
}};

// A full-size map of zeros with the pasted part filled in.
template <typename Part, typename T>
at::Tensor plane(const Part& part, const std::vector<T>& values, int64_t height, int64_t width) {
  auto result = at::zeros({height, width}, c10::CppTypeToScalarType<T>::value);
  auto* data = result.template data_ptr<T>();
  for (int64_t row = 0; row < part.height; ++row) {
    std::copy_n(
        values.data() + row * part.width, part.width, data + (part.top + row) * width + part.left);
  }
  return result;
}

EncodedDetections encode(
    Detections detections, int64_t height, int64_t width, const DetectOptions& options) {
  EncodedDetections encoded{std::move(detections), options.mask_format, {}, {}};
  if (options.mask_format == MaskFormat::None) return encoded;
  const auto count = encoded.detections.boxes.size(0);
  const auto masks = encoded.detections.masks.contiguous();
  const auto boxes = encoded.detections.boxes.contiguous();
  const auto threshold = static_cast<float>(options.mask_threshold);
  const auto size = static_cast<size_t>(count);
  (options.mask_format == MaskFormat::Rle) ? encoded.rle.resize(size) : encoded.planes.resize(size);

  at::parallel_for(0, count, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto index = static_cast<size_t>(i);
      const auto mask = masks.narrow(0, i, 1), box = boxes.narrow(0, i, 1);
      if (options.mask_format == MaskFormat::Float) {
        const auto part = ops::paste_masks(mask, box, height, width).front();
        encoded.planes[index] = plane(part, part.values, height, width);
        continue;
      }
      const auto part = ops::paste_bitmap(mask, box, height, width, threshold);
      if (options.mask_format == MaskFormat::Bitmap) {
        encoded.planes[index] = plane(part, part.pixels, height, width);
      } else {
        encoded.rle[index] = ops::pack_runs(ops::encode_runs(
            part.pixels.data(), part.left, part.top, part.width, part.height, width, height));
      }
    }
  });
  return encoded;
}

}  // namespace

DetectOptions to_detect_options(const Napi::Value& value) {
  const Fields fields(value, "options");
  const auto name = fields.string("maskFormat");
  const auto format =
      std::find_if(kMaskFormats.begin(), kMaskFormats.end(), [&](const auto& known) {
        return name == known.first;
      });
  if (format == kMaskFormats.end())
    throw Napi::TypeError::New(value.Env(), "options.maskFormat is unknown: " + name + ".");
  return {
      fields.number("scoreThreshold"),
      fields.integer("maxDetections"),
      format->second,
      fields.number("maskThreshold"),
      views_of_count(fields.integer("views"))};
}

std::vector<EncodedDetections> detect_and_encode(
    MaskRCNN& network,
    const std::vector<at::Tensor>& images,
    const DetectOptions& options,
    StageCosts* costs) {
  auto limits = network.detection_options();
  limits.score_thresh = std::max(limits.score_thresh, options.score_threshold);
  limits.detections_per_img = std::min(limits.detections_per_img, options.max_detections);
  const bool with_masks = options.mask_format != MaskFormat::None;
  std::vector<Detections> detections;
  if (options.views.size() == 1) {
    detections = network.detect(images, limits, with_masks, costs);
  } else {
    for (const auto& image : images)
      detections.push_back(network.detect_in_views(image, options.views, limits, with_masks));
  }
  std::vector<EncodedDetections> encoded;
  for (size_t i = 0; i < images.size(); ++i) {
    encoded.push_back(
        encode(std::move(detections[i]), images[i].size(0), images[i].size(1), options));
  }
  if (costs != nullptr) costs->lap("pasting");
  return encoded;
}

Napi::Value from_detections(Napi::Env env, const std::vector<EncodedDetections>& images) {
  auto array = Napi::Array::New(env, images.size());
  for (size_t i = 0; i < images.size(); ++i) {
    const auto& [detections, format, rle, planes] = images[i];
    auto masks = Napi::Array::New(env, rle.size() + planes.size());
    for (size_t d = 0; d < rle.size(); ++d) masks.Set(static_cast<uint32_t>(d), rle[d]);
    for (size_t d = 0; d < planes.size(); ++d) {
      masks.Set(
          static_cast<uint32_t>(d),
          format == MaskFormat::Float ? Napi::Value(lend_floats(env, planes[d]))
                                      : from_bytes(env, planes[d]));
    }
    auto object = Napi::Object::New(env);
    object.Set("boxes", from_floats(env, detections.boxes));
    object.Set("labels", from_integers(env, detections.labels));
    object.Set("scores", from_floats(env, detections.scores));
    object.Set("masks", masks);
    array.Set(static_cast<uint32_t>(i), object);
  }
  return array;
}

}  // namespace maskrcnn::binding
