#include "loader/shared_library.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>

#include "old_linux.h"
#endif

namespace maskrcnn::loader {

namespace fs = std::filesystem;

#ifdef _WIN32

constexpr const char* prefix = "";
constexpr const char* suffix = ".dll";

void* open_library(const fs::path& path) {
  // Also searches the library's own folder for its dependencies.
  auto* library = LoadLibraryExW(
      path.c_str(), nullptr, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
  if (library == nullptr) throw LinkError("Windows error " + std::to_string(GetLastError()));
  return reinterpret_cast<void*>(library);
}

void* find_symbol(void* library, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(reinterpret_cast<HMODULE>(library), name));
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

constexpr const char* prefix = "lib";
#ifdef __APPLE__
constexpr const char* suffix = ".dylib";
#else
constexpr const char* suffix = ".so";
#endif

void* open_library(const fs::path& path) {
  // RTLD_GLOBAL, because libraries opened later (libtorch_cuda, torchvision's operators) resolve
  // against these symbols.
  if (auto* library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) return library;
  const auto* error = dlerror();
  throw LinkError(error == nullptr ? "unknown error" : error);
}

void* find_symbol(void* library, const char* name) {
  return dlsym(library, name);
}

fs::path own_folder() {
  Dl_info info;
  dladdr(reinterpret_cast<void*>(&own_folder), &info);
  return fs::path(info.dli_fname).parent_path();
}

#endif

fs::path library_in(const fs::path& folder, const std::string& name) {
  return folder / (prefix + name + suffix);
}

bool has_library(const std::string& name) {
  try {
    open_library(name);
    return true;
  } catch (const LinkError&) {
    return false;
  }
}

}  // namespace maskrcnn::loader
