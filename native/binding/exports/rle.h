#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// `rle` of binding.d.ts.
Napi::Object make_rle(Napi::Env env);

}  // namespace maskrcnn::binding
