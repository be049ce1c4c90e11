#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// `evaluation` of binding.d.ts.
Napi::Object make_evaluation(Napi::Env env);

}  // namespace maskrcnn::binding
