#pragma once

#include <c10/core/impl/LocalDispatchKeySet.h>

namespace maskrcnn {

// While one is alive, the random initial values of what this thread builds are not drawn: for a
// network whose parameters are all loaded at once. Zeros and ones are written as ever.
class WithoutInitialValues {
 public:
  WithoutInitialValues();  // not inline, so that what it needs is linked

 private:
  c10::impl::IncludeDispatchKeyGuard guard_;
};

}  // namespace maskrcnn
