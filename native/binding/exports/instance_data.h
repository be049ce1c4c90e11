#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// Data of one JavaScript environment (the main thread's or a worker_thread's).
struct InstanceData {
  Napi::FunctionReference model_class;
  Napi::FunctionReference optimizer_class;
  Napi::FunctionReference group_class;

  static InstanceData& of(Napi::Env env) { return *env.GetInstanceData<InstanceData>(); }
};

}  // namespace maskrcnn::binding
