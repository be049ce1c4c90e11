// The library's exports to JavaScript, as declared in binding.d.ts. maskrcnn.node (native/loader)
// opens this library and calls maskrcnn_init.
#include <napi.h>

#include "aten.h"
#include "binding/conversion/lent_bytes.h"
#include "binding/exports/environment.h"
#include "binding/exports/evaluation.h"
#include "binding/exports/group.h"
#include "binding/exports/instance_data.h"
#include "binding/exports/memory.h"
#include "binding/exports/model.h"
#include "binding/exports/ops.h"
#include "binding/exports/optimizer.h"
#include "binding/exports/pixels.h"
#include "binding/exports/rle.h"
#include "binding/exports/torchvision_ops.h"
#include "binding/worker/checked.h"
#include "binding/worker/worker.h"
#include "memory/tensor_memory.h"

namespace {

using namespace maskrcnn::binding;

Napi::Object init(Napi::Env env, Napi::Object exports) {
  maskrcnn::memory::keep_tensor_memory();
  // NNPACK helps only with batches of 16 and more. If it does not know the processor, libtorch
  // prints a warning at every convolution.
  at::globalContext().setUserEnabledNNPACK(false);

  const auto model = Model::define(env);
  const auto optimizer = Optimizer::define(env);
  const auto group = maskrcnn::binding::Group::define(env);
  env.SetInstanceData(new InstanceData{
      Napi::Persistent(model), Napi::Persistent(optimizer), Napi::Persistent(group)});

  auto process = env.Global().Get("process").As<Napi::Object>();
  const auto threads = process.Get("getBuiltinModule")
                           .As<Napi::Function>()
                           .Call(process, {Napi::String::New(env, "worker_threads")})
                           .As<Napi::Object>();
  // In a worker_thread, process.exit() ends the thread alone, by the environment's cleanup hooks.
  if (threads.Get("isMainThread").ToBoolean()) {
    const auto on_exit = [](const Napi::CallbackInfo& info) { Worker::abandon_all(info.Env()); };
    process.Get("once").As<Napi::Function>().Call(
        process, {Napi::String::New(env, "exit"), Napi::Function::New(env, on_exit)});
  }

  exports.Set("Model", model);
  exports.Set("Optimizer", optimizer);
  exports.Set("Group", group);
  exports.Set("ops", make_ops(env));
  exports.Set("torchvisionOps", make_torchvision_ops(env));
  exports.Set("rle", make_rle(env));
  exports.Set("evaluation", make_evaluation(env));
  exports.Set("pixels", make_pixels(env));
  exports.Set("environment", Napi::Function::New(env, environment, "environment"));
  exports.Set("setThreads", Napi::Function::New(env, checked<set_threads>, "setThreads"));
  exports.Set("lendBytes", Napi::Function::New(env, checked<lend_bytes>, "lendBytes"));
  exports.Set("freeBytes", Napi::Function::New(env, checked<free_bytes>, "freeBytes"));
  exports.Set("placeBlocks", Napi::Function::New(env, checked<place_blocks>, "placeBlocks"));
  exports.Set("gpuMemory", Napi::Function::New(env, checked<gpu_memory>, "gpuMemory"));
  return exports;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) napi_value maskrcnn_init(
    napi_env env, napi_value exports) {
  return Napi::RegisterModule(env, exports, init);
}
