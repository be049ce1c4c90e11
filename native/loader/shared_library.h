#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace maskrcnn::loader {

// A file name of the platform in `folder`: libNAME.so, libNAME.dylib or NAME.dll.
std::filesystem::path library_in(const std::filesystem::path& folder, const std::string& name);

// What the linker says about a library that it cannot open.
struct LinkError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Opens a library for the rest of the process, its symbols open to those that follow. Any thread
// may. Throws LinkError.
void* open_library(const std::filesystem::path& path);

// Whether the linker finds one of that name.
bool has_library(const std::string& name);

// Null where there is none.
void* find_symbol(void* library, const char* name);

// Where this code lies.
std::filesystem::path own_folder();

}  // namespace maskrcnn::loader
