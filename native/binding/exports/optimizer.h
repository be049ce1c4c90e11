#pragma once

#include <napi.h>

#include <memory>

#include "aten.h"
#include "binding/exports/model.h"
#include "training/optimizer.h"

namespace maskrcnn::binding {

// The JavaScript class Optimizer. Its jobs run on its model's worker, in one queue with the
// model's.
class Optimizer : public Napi::ObjectWrap<Optimizer> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Optimizer(const Napi::CallbackInfo& info);

 private:
  Napi::Value step(const Napi::CallbackInfo& info);
  Napi::Value zero_grad(const Napi::CallbackInfo& info);
  Napi::Value scale_gradients(const Napi::CallbackInfo& info);
  Napi::Value update_average(const Napi::CallbackInfo& info);
  Napi::Value swap_average(const Napi::CallbackInfo& info);
  Napi::Value state_dict(const Napi::CallbackInfo& info);
  Napi::Value load_state_dict(const Napi::CallbackInfo& info);
  std::shared_ptr<Worker> worker(Napi::Env env) const;

  // The objects that a job works on. `state` stays alive until the job ends, because the
  // optimizer's tensors are released together with it.
  struct Subject {
    std::shared_ptr<ModelState> state;
    std::shared_ptr<maskrcnn::Optimizer> optimizer;
    maskrcnn::Optimizer* operator->() const { return optimizer.get(); }
  };
  Subject subject(Napi::Env env) const;

  Napi::ObjectReference model_;  // a strong reference keeps the model alive
  std::shared_ptr<maskrcnn::Optimizer> optimizer_;
};

}  // namespace maskrcnn::binding
