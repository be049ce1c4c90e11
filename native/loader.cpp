// maskrcnn.node: a bootstrap that links no libtorch, so that JavaScript can say where libtorch is,
// and can refuse another version than the one the addon was built for, before a symbol of it is
// resolved.
#include <napi.h>

#include <filesystem>
#include <string>
#include <vector>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace {

namespace fs = std::filesystem;

#ifdef _WIN32
constexpr const char* prefix = "";
constexpr const char* suffix = ".dll";
#elif defined(__APPLE__)
constexpr const char* prefix = "lib";
constexpr const char* suffix = ".dylib";
#else
constexpr const char* prefix = "lib";
constexpr const char* suffix = ".so";
#endif

using Init = napi_value (*)(napi_env, napi_value);

#ifdef _WIN32
constexpr const char* driver = "nvcuda.dll";
#else
constexpr const char* driver = "libcuda.so.1";
#endif

// In the order of their dependencies.
const std::vector<std::string> required = {"c10", "torch_cpu"};
// A CUDA libtorch registers its kernels with the dispatcher when these are loaded. `torch` is a
// shell around the others that torchvision's library asks for.
const std::vector<std::string> for_gpus = {"c10_cuda", "torch_cuda", "torch"};

// What came of looking for a GPU's libraries; for messages.
struct CudaState {
  bool in_libtorch = false;  // this libtorch was built for CUDA
  bool has_driver = false;
  std::string error;  // of the linker, if a library could not be opened
};

CudaState cuda_state;

[[noreturn]] void fail(Napi::Env env, const std::string& code, const std::string& message) {
  auto error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  throw error;
}

fs::path library_in(const fs::path& folder, const std::string& name) {
  return folder / (prefix + name + suffix);
}

struct Loaded {
  void* handle = nullptr;
  std::string error;
};

#ifdef _WIN32
std::string last_error() {
  return "Windows error " + std::to_string(GetLastError());
}

Loaded open_library(const fs::path& path) {
  // Its own folder is searched for what it needs.
  auto* handle = LoadLibraryExW(
      path.c_str(), nullptr, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
  if (handle == nullptr) return {nullptr, last_error()};
  return {reinterpret_cast<void*>(handle), {}};
}

void* find_symbol(void* handle, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(reinterpret_cast<HMODULE>(handle), name));
}

fs::path own_folder() {
  HMODULE module = nullptr;
  GetModuleHandleExW(
      GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
      reinterpret_cast<LPCWSTR>(&own_folder),
      &module);
  std::wstring path(32768, L'\0');
  path.resize(GetModuleFileNameW(module, path.data(), static_cast<DWORD>(path.size())));
  return fs::path(path).parent_path();
}
#else
Loaded open_library(const fs::path& path) {
  // Global: libraries opened later (libtorch_cuda, torchvision's operators) resolve against these
  // symbols.
  if (auto* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) return {handle, {}};
  const auto* error = dlerror();
  return {nullptr, error == nullptr ? "unknown error" : error};
}

void* find_symbol(void* handle, const char* name) {
  return dlsym(handle, name);
}

fs::path own_folder() {
  Dl_info info;
  dladdr(reinterpret_cast<void*>(&own_folder), &info);
  return fs::path(info.dli_fname).parent_path();
}
#endif

// Empty, or what the linker said.
std::string open_for_gpus(const fs::path& lib_dir) {
  for (const auto& name : for_gpus) {
    if (const auto path = library_in(lib_dir, name); fs::exists(path)) {
      if (auto opened = open_library(path); opened.handle == nullptr) return opened.error;
    }
  }
  return {};
}

// load(libDir): opens libtorch from `libDir`, then libmaskrcnn beside this file, and returns its
// exports.
// Its part for GPUs is opened first, since libtorch decides once whether there is one, and only
// where there is a driver: that part takes longer to load than all else.
Napi::Value load(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  if (info.Length() != 1 || !info[0].IsString()) {
    throw Napi::TypeError::New(env, "load() takes the path of libtorch's lib folder.");
  }
  const auto lib_dir = fs::u8path(info[0].As<Napi::String>().Utf8Value());
  for (const auto& name : required) {
    const auto path = library_in(lib_dir, name);
    if (const auto opened = open_library(path); opened.handle == nullptr) {
      fail(
          env,
          "LIBTORCH_NOT_FOUND",
          "libtorch cannot be loaded from " + path.string() + ": " + opened.error + ".");
    }
  }
  cuda_state.in_libtorch = fs::exists(library_in(lib_dir, "torch_cuda"));
  cuda_state.has_driver = open_library(driver).handle != nullptr;
  if (cuda_state.in_libtorch && cuda_state.has_driver) cuda_state.error = open_for_gpus(lib_dir);
  const auto path = library_in(own_folder(), "maskrcnn");
  const auto opened = open_library(path);
  if (opened.handle == nullptr) {
    fail(
        env,
        "NATIVE",
        "The addon cannot be loaded from " + path.string() + ": " + opened.error + ".");
  }
  const auto init = reinterpret_cast<Init>(find_symbol(opened.handle, "maskrcnn_init"));
  if (init == nullptr) fail(env, "NATIVE", path.string() + " has no symbol maskrcnn_init.");
  const auto exports = Napi::Object::New(env);
  const napi_value result = init(env, exports);
  if (env.IsExceptionPending()) throw env.GetAndClearPendingException();
  return result == nullptr ? Napi::Value(exports) : Napi::Value(env, result);
}

// loadOperators(libDir, path): opens torchvision's library at `path`, whose operators are then
// registered with libtorch's dispatcher.
void load_operators(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  if (info.Length() != 2 || !info[0].IsString() || !info[1].IsString()) {
    throw Napi::TypeError::New(env, "loadOperators() takes two paths.");
  }
  const auto lib_dir = fs::u8path(info[0].As<Napi::String>().Utf8Value());
  const auto path = fs::u8path(info[1].As<Napi::String>().Utf8Value());
  auto error = open_for_gpus(lib_dir);
#ifndef _WIN32
  // The library asks for libtorch_python, which cannot be loaded without Python, and uses nothing
  // of it: an empty one of that name satisfies the linker.
  if (error.empty()) error = open_library(library_in(own_folder(), "torch_python")).error;
#endif
  if (error.empty()) error = open_library(path).error;
  if (!error.empty()) {
    fail(
        env,
        "DEVICE_UNAVAILABLE",
        "torchvision's operators cannot be loaded from " + path.string() + ": " + error + ".");
  }
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
  exports.Set("cuda", Napi::Function::New(env, cuda, "cuda"));
  return exports;
}

}  // namespace

NODE_API_MODULE(maskrcnn, init)
