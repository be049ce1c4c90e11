#pragma once

#include <napi.h>

#include <string>

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

// By libtorch's name of it. 'cuda' means the first GPU: a thread's device is set by its index.
at::Device to_device(const std::string& name);

}  // namespace maskrcnn::binding
