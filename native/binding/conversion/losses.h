#pragma once

#include <napi.h>

#include <array>

namespace maskrcnn::binding {

// The five losses under torchvision's names, in the order of MaskRCNNLosses.
inline Napi::Value from_losses(Napi::Env env, const std::array<double, 5>& values) {
  constexpr std::array<const char*, 5> names{
      "loss_classifier", "loss_box_reg", "loss_mask", "loss_objectness", "loss_rpn_box_reg"};
  auto object = Napi::Object::New(env);
  for (size_t i = 0; i < names.size(); ++i) object.Set(names[i], Napi::Number::New(env, values[i]));
  return object;
}

}  // namespace maskrcnn::binding
