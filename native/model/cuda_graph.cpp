#include "model/cuda_graph.h"

#if defined(__linux__) && __has_include(<ATen/core/GraphImplInterface.h>)

#include <ATen/core/GraphImplInterface.h>
#include <dlfcn.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "old_linux.h"

namespace maskrcnn {

namespace {

// at::cuda::CUDAGraph by its symbols: this library is built without CUDA's headers and links none
// of its libraries, so that one build serves every libtorch.
struct CudaGraphClass {
  void (*construct)(void*, bool keep_graph);
  void (*destroy)(void*);
  void (*capture_begin)(void*, at::MempoolId_t, int mode);  // cudaStreamCaptureMode
  void (*capture_end)(void*);
  void (*replay)(void*);
  at::MempoolId_t (*pool)(void*);

  bool is_whole() const {
    return construct && destroy && capture_begin && capture_end && replay && pool;
  }
};

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

int to_cuda(at::GraphCaptureMode mode) {
  switch (mode) {
    case at::GraphCaptureMode::ThreadLocal:
      return 1;
    case at::GraphCaptureMode::Relaxed:
      return 2;
    case at::GraphCaptureMode::Default:
    case at::GraphCaptureMode::Global:
      break;
  }
  return 0;
}

struct CudaGraph final : at::GraphImplInterface {
  explicit CudaGraph(const at::GraphImplArgs& arguments) {
    members_.construct(object_.data(), arguments.keep_graph);
  }
  ~CudaGraph() override { members_.destroy(object_.data()); }

  void capture_begin(at::MempoolId_t pool, at::GraphCaptureMode mode) override {
    members_.capture_begin(object_.data(), pool, to_cuda(mode));
  }
  void capture_end() override { members_.capture_end(object_.data()); }
  void instantiate() override {}  // by capture_end()
  void replay() override { members_.replay(object_.data()); }
  void reset() override {
    members_.destroy(object_.data());
    members_.construct(object_.data(), /*keep_graph=*/false);
  }
  at::MempoolId_t pool() const override { return members_.pool(object_.data()); }
  void enable_debug_mode() override {}
  void debug_dump(const std::string&) override {}

 private:
  const CudaGraphClass& members_ = cuda_graph_class();
  // Of 448 bytes in libtorch 2.14.
  alignas(64) mutable std::array<std::byte, 4096> object_;
};

}  // namespace

void offer_cuda_graphs() {
  [[maybe_unused]] static const bool once = [] {
    if (at::has_graph_impl(at::kCUDA) || !cuda_graph_class().is_whole()) return false;
    at::GraphImplRegistry()->Register("CUDA", [](const at::GraphImplArgs& arguments) {
      return std::unique_ptr<at::GraphImplInterface>(new CudaGraph(arguments));
    });
    return true;
  }();
}

}  // namespace maskrcnn

#else

namespace maskrcnn {

void offer_cuda_graphs() {}

}  // namespace maskrcnn

#endif
