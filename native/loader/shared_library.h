#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace maskrcnn::loader {

// The path of a library in `folder`, named by the platform's rule: libNAME.so, libNAME.dylib or
// NAME.dll.
std::filesystem::path library_in(const std::filesystem::path& folder, const std::string& name);

// The linker's message about a library that it cannot open.
struct LinkError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Opens a library until the end of the process. Libraries opened later can use its symbols.
// Can be called from any thread. Throws LinkError.
void* open_library(const std::filesystem::path& path);

// Whether the linker can open a library of that name.
bool has_library(const std::string& name);

// Null if there is no such symbol.
void* find_symbol(void* library, const char* name);

// The folder of the library that contains this code.
std::filesystem::path own_folder();

}  // namespace maskrcnn::loader
