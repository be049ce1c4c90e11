#pragma once

#include <filesystem>

namespace maskrcnn::loader {

// Opens the GNU OpenMP library that libtorch in `lib_dir` uses, and tells it that an idle thread
// waits actively for no more than a fraction of a millisecond, unless the environment says how it
// waits. Does nothing where there is no such library. Changes the environment for a moment, so call
// it on the JavaScript thread.
void open_openmp(const std::filesystem::path& lib_dir);

}  // namespace maskrcnn::loader
