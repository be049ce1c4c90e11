#pragma once

#include <napi.h>

#include <memory>

#include "binding/worker/worker.h"
#include "distributed/group.h"

namespace maskrcnn::binding {

// The JavaScript class Group. Its operations run on a thread of their own, in the order of the
// calls.
class Group : public Napi::ObjectWrap<Group> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Group(const Napi::CallbackInfo& info);

  // The group of a JavaScript object. Throws TypeError.
  static std::shared_ptr<maskrcnn::Group> of(const Napi::Value& value);

 private:
  static Napi::Value join(const Napi::CallbackInfo& info);
  static Napi::Value close_all(const Napi::CallbackInfo& info);
  Napi::Value use_device(const Napi::CallbackInfo& info);
  Napi::Value gather(const Napi::CallbackInfo& info);
  Napi::Value broadcast(const Napi::CallbackInfo& info);
  Napi::Value sum(const Napi::CallbackInfo& info);
  Napi::Value pass(const Napi::CallbackInfo& info);
  Napi::Value fail(const Napi::CallbackInfo& info);

  std::shared_ptr<maskrcnn::Group> group_;
  std::shared_ptr<Worker> worker_;
};

}  // namespace maskrcnn::binding
