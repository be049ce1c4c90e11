#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// `pixels` of binding.d.ts.
Napi::Object make_pixels(Napi::Env env);

}  // namespace maskrcnn::binding
