#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// The `ops` of binding.d.ts: the operators on plain arrays, called on the calling thread. This code
// checks the arguments, because no TypeScript code does it before. A wrong type throws TypeError; a
// wrong length or value throws RangeError.
Napi::Object make_ops(Napi::Env env);

}  // namespace maskrcnn::binding
