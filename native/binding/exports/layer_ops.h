#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// The part of the `ops` of binding.d.ts that are layers of the network and their gradients.
void add_layer_ops(Napi::Object exports);

}  // namespace maskrcnn::binding
