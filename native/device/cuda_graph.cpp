#include "device/cuda_graph.h"

#ifdef __linux__

#include <dlfcn.h>

#include <array>
#include <cstddef>
#include <string>

#include "old_linux.h"

namespace maskrcnn {

namespace {

// at::cuda::CUDAGraph, called through its symbols. This library is built without CUDA's headers and
// links none of its libraries, so that one build works with every libtorch. The symbols are those
// of libtorch 2.14. If one is missing, there are no graphs.
struct CudaGraphClass {
  void (*construct)(void*, bool keep_graph);
  void (*destroy)(void*);
  void (*capture_begin)(void*, c10::MempoolId_t, int mode);  // cudaStreamCaptureMode
  void (*capture_end)(void*);
  void (*replay)(void*);
  c10::MempoolId_t (*pool)(void*);

  bool is_whole() const {
    return construct && destroy && capture_begin && capture_end && replay && pool;
  }
};

constexpr int kThreadLocal = 1;  // cudaStreamCaptureModeThreadLocal: does not affect other threads

template <typename Function>
void find(Function*& function, const char* member) {
  const auto name = std::string("_ZN2at4cuda9CUDAGraph") + member;
  function = reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name.c_str()));
}

const CudaGraphClass& cuda_graph_class() {
  static const CudaGraphClass found = [] {
    CudaGraphClass members{};
    find(members.construct, "C1Eb");
    find(members.destroy, "D1Ev");
    find(members.capture_begin, "13capture_beginESt4pairIyyE21cudaStreamCaptureMode");
    find(members.capture_end, "11capture_endEv");
    find(members.replay, "6replayEv");
    find(members.pool, "4poolEv");
    return members;
  }();
  return found;
}

class CudaGraph final : public DeviceGraph {
 public:
  CudaGraph() { members_.construct(object_.data(), /*keep_graph=*/false); }
  ~CudaGraph() override { members_.destroy(object_.data()); }

  void begin_capture(c10::MempoolId_t pool) override {
    members_.capture_begin(object_.data(), pool, kThreadLocal);
  }
  void end_capture() override { members_.capture_end(object_.data()); }
  void replay() override { members_.replay(object_.data()); }
  c10::MempoolId_t pool() override { return members_.pool(object_.data()); }

 private:
  const CudaGraphClass& members_ = cuda_graph_class();
  // The object has 448 bytes in libtorch 2.14.
  alignas(64) std::array<std::byte, 4096> object_;
};

}  // namespace

std::unique_ptr<DeviceGraph> make_cuda_graph() {
  return cuda_graph_class().is_whole() ? std::make_unique<CudaGraph>() : nullptr;
}

}  // namespace maskrcnn

#else

namespace maskrcnn {

std::unique_ptr<DeviceGraph> make_cuda_graph() {
  return nullptr;
}

}  // namespace maskrcnn

#endif
