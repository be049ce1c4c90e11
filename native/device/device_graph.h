#pragma once

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/DeviceType.h>

#include <memory>

namespace maskrcnn {

// A recorded sequence of a device's work, which can be replayed as a whole (a CUDA graph).
class DeviceGraph {
 public:
  DeviceGraph() = default;
  DeviceGraph(const DeviceGraph&) = delete;
  DeviceGraph& operator=(const DeviceGraph&) = delete;
  virtual ~DeviceGraph() = default;

  // From now on, records the work that this thread submits to its current stream instead of running
  // it. The current stream must not be the default one. pool: the pool of an earlier graph, to
  // share its memory, or {0, 0} for a new one.
  virtual void begin_capture(c10::MempoolId_t pool) = 0;
  virtual void end_capture() = 0;
  virtual void replay() = 0;
  virtual c10::MempoolId_t pool() = 0;
};

// Null if the device has no graphs, or none that this library can reach. Can be called from any
// thread.
std::unique_ptr<DeviceGraph> make_device_graph(c10::DeviceType device);

}  // namespace maskrcnn
