#pragma once

#include <c10/core/impl/LocalDispatchKeySet.h>

namespace maskrcnn {

// While an object of this class is alive, this thread draws no random initial values: for a network
// whose parameters are all loaded afterwards. Zeros and ones are still written.
class WithoutInitialValues {
 public:
  WithoutInitialValues();  // not inline, so that the linker keeps the operators it needs

 private:
  c10::impl::IncludeDispatchKeyGuard guard_;
};

}  // namespace maskrcnn
