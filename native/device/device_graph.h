#pragma once

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/DeviceType.h>

#include <memory>

namespace maskrcnn {

// What a device was given to do, to be given again as one (CUDA's graphs).
class DeviceGraph {
 public:
  DeviceGraph() = default;
  DeviceGraph(const DeviceGraph&) = delete;
  DeviceGraph& operator=(const DeviceGraph&) = delete;
  virtual ~DeviceGraph() = default;

  // From here on what this thread gives to its current stream, which must not be the default one,
  // is not done but noted. pool: an earlier graph's, to have the same memory; {0, 0} for its own.
  virtual void begin_capture(c10::MempoolId_t pool) = 0;
  virtual void end_capture() = 0;
  virtual void replay() = 0;
  virtual c10::MempoolId_t pool() = 0;
};

// Null for devices that have no graphs, or none that can be reached from here. Any thread may call
// it.
std::unique_ptr<DeviceGraph> make_device_graph(c10::DeviceType device);

}  // namespace maskrcnn
