#pragma once

#include <napi.h>

#include <memory>

#include "binding/exports/model_state.h"
#include "binding/worker/worker.h"

namespace maskrcnn::binding {

// The JavaScript class Model.
class Model : public Napi::ObjectWrap<Model> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Model(const Napi::CallbackInfo& info);

  // For the Optimizer class. Both throw DISPOSED after dispose().
  std::shared_ptr<ModelState> state(Napi::Env env) const;
  std::shared_ptr<Worker> worker(Napi::Env env) const;

 private:
  static Napi::Value create(const Napi::CallbackInfo& info);
  Napi::Value parameters(const Napi::CallbackInfo& info);
  Napi::Value set_trainable(const Napi::CallbackInfo& info);
  Napi::Value set_activation_checkpointing(const Napi::CallbackInfo& info);
  Napi::Value state_dict(const Napi::CallbackInfo& info);
  Napi::Value load_state_dict(const Napi::CallbackInfo& info);
  Napi::Value compute_losses(const Napi::CallbackInfo& info);
  Napi::Value join(const Napi::CallbackInfo& info);
  Napi::Value leave(const Napi::CallbackInfo& info);
  Napi::Value compute_share(const Napi::CallbackInfo& info);
  Napi::Value detect(const Napi::CallbackInfo& info);
  Napi::Value trace(const Napi::CallbackInfo& info);
  Napi::Value stage_costs(const Napi::CallbackInfo& info);
  Napi::Value graphs(const Napi::CallbackInfo& info);
  Napi::Value gradient_norms(const Napi::CallbackInfo& info);
  Napi::Value seed(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<ModelState> state_;
  std::shared_ptr<Worker> worker_;
};

}  // namespace maskrcnn::binding
