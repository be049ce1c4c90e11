// maskrcnn.node: a bootstrap that does not link libtorch. So JavaScript can say where libtorch is,
// and can refuse a version that the addon was not built for before any symbol is resolved.
#include <napi.h>

#include <filesystem>
#include <string>
#include <vector>

#include "binding/worker/failure.h"
#include "binding/worker/pool_job.h"
#include "loader/openmp.h"
#include "loader/shared_library.h"

namespace {

namespace fs = std::filesystem;
using maskrcnn::binding::Failure;
using maskrcnn::binding::queue_job;
using namespace maskrcnn::loader;

using Init = napi_value (*)(napi_env, napi_value);

#ifdef _WIN32
constexpr const char* driver = "nvcuda.dll";
#else
constexpr const char* driver = "libcuda.so.1";
#endif

// In the order of their dependencies.
const std::vector<std::string> required = {"c10", "torch_cpu"};
// A CUDA libtorch registers its kernels with the dispatcher when these libraries are loaded.
// `torch` is an empty shell around the others, which torchvision's library asks for.
const std::vector<std::string> for_gpus = {"c10_cuda", "torch_cuda", "torch"};

// The result of looking for a GPU's libraries, for messages.
struct CudaState {
  bool in_libtorch = false;  // this libtorch was built for CUDA
  bool has_driver = false;
  std::string error;  // from the linker, if a library could not be opened
};

CudaState cuda_state;

// `what` is the start of the message.
void* open_or_fail(const fs::path& path, const std::string& code, const std::string& what) {
  try {
    return open_library(path);
  } catch (const LinkError& error) {
    throw Failure(
        code, what + " cannot be loaded from " + path.string() + ": " + error.what() + ".");
  }
}

void open_for_gpus(const fs::path& lib_dir) {
  for (const auto& name : for_gpus) {
    if (const auto path = library_in(lib_dir, name); fs::exists(path)) open_library(path);
  }
}

// Opens libtorch from `lib_dir`, then libmaskrcnn beside this file. Returns the entry point of
// libmaskrcnn. Opens libtorch's GPU part before libmaskrcnn, because libtorch decides only once
// whether there is a GPU. Opens it only if there is a driver, because it takes longer to load than
// everything else.
Init open_addon(const fs::path& lib_dir) {
  for (const auto& name : required)
    open_or_fail(library_in(lib_dir, name), "LIBTORCH_NOT_FOUND", "libtorch");
  CudaState state;
  state.in_libtorch = fs::exists(library_in(lib_dir, "torch_cuda"));
  state.has_driver = has_library(driver);
  if (state.in_libtorch && state.has_driver) {
    try {
      open_for_gpus(lib_dir);
    } catch (const LinkError& error) {
      state.error = error.what();
    }
  }
  cuda_state = state;
  const auto path = library_in(own_folder(), "maskrcnn");
  auto* const library = open_or_fail(path, "NATIVE", "The addon");
  const auto init = reinterpret_cast<Init>(find_symbol(library, "maskrcnn_init"));
  if (init == nullptr) throw Failure("NATIVE", path.string() + " has no symbol maskrcnn_init.");
  return init;
}

// load(libDir): opens libtorch from that folder, then the addon. Resolves to the addon's exports.
Napi::Value load(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  if (info.Length() != 1 || !info[0].IsString()) {
    throw Napi::TypeError::New(env, "load() takes the path of libtorch's lib folder.");
  }
  const auto lib_dir = fs::u8path(info[0].As<Napi::String>().Utf8Value());
  open_openmp(lib_dir);
  // On the thread pool: the linker takes tenths of a second, and seconds for the GPU part.
  return queue_job(
      env,
      [lib_dir] { return open_addon(lib_dir); },
      [](Napi::Env env, Init init) {
        const auto exports = Napi::Object::New(env);
        const napi_value result = init(env, exports);
        if (env.IsExceptionPending()) throw env.GetAndClearPendingException();
        return result == nullptr ? Napi::Value(exports) : Napi::Value(env, result);
      });
}

// Opens torchvision's library, which registers its operators with libtorch's dispatcher.
void* open_operators(const fs::path& lib_dir, const fs::path& path) {
  try {
    open_for_gpus(lib_dir);
#ifndef _WIN32
    // The library links against libtorch_python, which cannot be loaded without Python, but uses
    // nothing from it. An empty library of that name satisfies the linker.
    open_library(library_in(own_folder(), "torch_python"));
#endif
    return open_library(path);
  } catch (const LinkError& error) {
    throw Failure(
        "DEVICE_UNAVAILABLE",
        "torchvision's operators cannot be loaded from " + path.string() + ": " + error.what() +
            ".");
  }
}

// loadOperators(libDir, path): resolves when the operators are registered.
Napi::Value load_operators(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  if (info.Length() != 2 || !info[0].IsString() || !info[1].IsString()) {
    throw Napi::TypeError::New(env, "loadOperators() takes two paths.");
  }
  return queue_job(
      env,
      [lib_dir = fs::u8path(info[0].As<Napi::String>().Utf8Value()),
       path = fs::u8path(info[1].As<Napi::String>().Utf8Value())] {
        return open_operators(lib_dir, path);
      },
      [](Napi::Env env, const void*) { return env.Undefined(); });
}

// Opens the library in `path` that sums on GPUs in groups of processes.
void* open_nccl(const fs::path& lib_dir, const fs::path& path) {
  using Obstacle = const char* (*)();
  std::string reason;
  try {
    open_for_gpus(lib_dir);
    auto* const library = open_library(path);
    const auto obstacle =
        reinterpret_cast<Obstacle>(find_symbol(library, "maskrcnn_nccl_obstacle"));
    const auto* const found = obstacle == nullptr ? "it is not of this version" : obstacle();
    if (found == nullptr) return library;
    reason = found;
  } catch (const LinkError& error) {
    reason = error.what();
  }
  throw Failure("DEVICE_UNAVAILABLE", path.string() + " cannot be used: " + reason + ".");
}

// loadNccl(libDir, path?): resolves when groups may use GPUs. The default of path is beside this
// file.
Napi::Value load_nccl(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const bool has_path = info.Length() == 2 && info[1].IsString();
  if (!info[0].IsString() || (info.Length() != 1 && !has_path)) {
    throw Napi::TypeError::New(env, "loadNccl() takes one or two paths.");
  }
  return queue_job(
      env,
      [lib_dir = fs::u8path(info[0].As<Napi::String>().Utf8Value()),
       path = has_path
                  ? fs::u8path(info[1].As<Napi::String>().Utf8Value())
                  : library_in(own_folder(), "maskrcnn_nccl")] { return open_nccl(lib_dir, path); },
      [](Napi::Env env, const void*) { return env.Undefined(); });
}

Napi::Value cuda(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  auto object = Napi::Object::New(env);
  object.Set("inLibtorch", Napi::Boolean::New(env, cuda_state.in_libtorch));
  object.Set("hasDriver", Napi::Boolean::New(env, cuda_state.has_driver));
  if (!cuda_state.error.empty()) object.Set("error", Napi::String::New(env, cuda_state.error));
  return object;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("builtFor", Napi::String::New(env, MASKRCNN_LIBTORCH_VERSION));
  exports.Set("load", Napi::Function::New(env, load, "load"));
  exports.Set("loadOperators", Napi::Function::New(env, load_operators, "loadOperators"));
  exports.Set("loadNccl", Napi::Function::New(env, load_nccl, "loadNccl"));
  exports.Set("cuda", Napi::Function::New(env, cuda, "cuda"));
  return exports;
}

}  // namespace

NODE_API_MODULE(maskrcnn, init)
