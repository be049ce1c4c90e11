#include "loader/openmp.h"

#ifdef __linux__
#include <cstdlib>
#include <string>

#include "loader/shared_library.h"
#endif

namespace maskrcnn::loader {

namespace fs = std::filesystem;

#ifdef __linux__

namespace {

constexpr const char* spin_count = "GOMP_SPINCOUNT";

// libgomp's own value is 300,000 turns, some milliseconds. If another process has the core of one
// thread, the others spend their share of the time on waiting for it. Sleeping threads keep it. On
// a quiet machine most waits end within this number of turns, a fraction of a millisecond. To wake
// a sleeping thread takes some tens of microseconds, so the longer waits lose little.
constexpr const char* few_turns = "10000";

fs::path openmp_in(const fs::path& lib_dir) {
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(lib_dir, missing)) {
    // libtorch's wheels name it libgomp.so.1 or libgomp-HASH.so.1.
    if (entry.path().filename().string().rfind("libgomp", 0) == 0) return entry.path();
  }
  return "libgomp.so.1";  // the system's
}

}  // namespace

void open_openmp(const fs::path& lib_dir) {
  const bool is_chosen =
      std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv(spin_count) != nullptr;
  // It reads the environment once, when it is loaded. Programs that this process starts must not
  // inherit the value.
  if (!is_chosen) setenv(spin_count, few_turns, /*overwrite=*/0);
  has_library(openmp_in(lib_dir));
  if (!is_chosen) unsetenv(spin_count);
}

#else

void open_openmp(const fs::path&) {}

#endif

}  // namespace maskrcnn::loader
