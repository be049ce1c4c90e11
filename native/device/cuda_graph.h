#pragma once

#include <memory>

#include "device/device_graph.h"

namespace maskrcnn {

// A graph of CUDA's, of the class that libtorch_cuda has for it; null where that is not in the
// process.
std::unique_ptr<DeviceGraph> make_cuda_graph();

}  // namespace maskrcnn
