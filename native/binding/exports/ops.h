#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// The `ops` of binding.d.ts: the operators on plain arrays, on the calling thread. Arguments are
// checked here, since nothing in TypeScript stands in front: TypeError for a wrong type, RangeError
// for a wrong length or value.
Napi::Object make_ops(Napi::Env env);

}  // namespace maskrcnn::binding
