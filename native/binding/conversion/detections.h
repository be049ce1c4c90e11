#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "aten.h"
#include "model/mask_rcnn.h"

namespace maskrcnn::binding {

enum class MaskFormat { Rle, Bitmap, Float, None };

struct DetectOptions {
  double score_threshold;
  int64_t max_detections;
  MaskFormat mask_format;
  double mask_threshold;
  std::vector<View> views;
};

// Letters: D detections of an image, H W rows and columns of the image.
struct EncodedDetections {
  Detections detections;
  MaskFormat mask_format;
  std::vector<std::string> rle;    // D, for MaskFormat::Rle
  std::vector<at::Tensor> planes;  // D × [H,W], u8 for Bitmap, f32 for Float
};

DetectOptions to_detect_options(const Napi::Value& value);

// Runs detection and encodes the masks in the requested format. Call on the worker's thread.
std::vector<EncodedDetections> detect_and_encode(
    MaskRCNN& network,
    const std::vector<at::Tensor>& images,
    const DetectOptions& options,
    StageCosts* costs = nullptr);

Napi::Value from_detections(Napi::Env env, const std::vector<EncodedDetections>& images);

}  // namespace maskrcnn::binding
