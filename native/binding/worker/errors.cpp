#include "binding/worker/errors.h"

#include <c10/util/Exception.h>

#include <new>

#include "distributed/group_failure.h"

namespace maskrcnn::binding {

Failure current_failure() {
  try {
    throw;
  } catch (const Failure& failure) {
    return failure;
  } catch (const GroupFailure& failure) {
    return {"GROUP_FAILED", failure.what()};
  } catch (const c10::OutOfMemoryError& error) {
    return {"OUT_OF_MEMORY", error.what_without_backtrace()};
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    // libtorch's GPU allocators throw their own exception type. Its CPU allocator, CUDA and CUDA's
    // libraries do not.
    const auto says = [&](const char* part) { return message.find(part) != std::string::npos; };
    const bool out_of_memory = says("DefaultCPUAllocator") || says("CUDA error: out of memory") ||
                               says("STATUS_ALLOC_FAILED");
    return {out_of_memory ? "OUT_OF_MEMORY" : "NATIVE", message};
  } catch (const std::bad_alloc&) {
    return {"OUT_OF_MEMORY", "The process is out of memory."};
  } catch (const std::exception& error) {
    return {"NATIVE", error.what()};
  } catch (...) {
    return {"NATIVE", "An exception of an unknown type."};
  }
}

}  // namespace maskrcnn::binding
