#pragma once

#include <napi.h>

#include "aten.h"
#include "model/options.h"

namespace maskrcnn::binding {

struct ModelOptions {
  MaskRCNNOptions network;
  at::Device device;
  uint64_t seed;
  int threads;  // of libtorch, for all computations of the model
};
ModelOptions to_model_options(const Napi::Value& value);

}  // namespace maskrcnn::binding
