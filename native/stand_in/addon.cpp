// stand_in.node: a stand-in for a GPU, for tests. Its memory is the host's and its operators are
// the CPU's, so everything that this package does with a GPU can run on any machine, with the same
// results. It records the work that a GPU would have been given, and the events at which the
// program would have waited.
//
// A separate addon, opened after the one that loads libtorch. It is not shipped.
#include <napi.h>

#include "stand_in/backend.h"
#include "stand_in/journal.h"
#include "stand_in/memory.h"

namespace {

// takeJournal(): {operators, waits, replays} since the last call.
Napi::Value take_journal(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto journal = maskrcnn::stand_in::take_journal();
  auto waits = Napi::Array::New(env, journal.waits.size());
  for (size_t i = 0; i < journal.waits.size(); ++i) {
    auto wait = Napi::Object::New(env);
    wait.Set("what", journal.waits[i].what);
    wait.Set("ahead", Napi::Number::New(env, static_cast<double>(journal.waits[i].ahead)));
    waits.Set(static_cast<uint32_t>(i), wait);
  }
  auto object = Napi::Object::New(env);
  object.Set("operators", Napi::Number::New(env, static_cast<double>(journal.operators)));
  object.Set("waits", waits);
  object.Set("replays", Napi::Number::New(env, static_cast<double>(journal.replays)));
  return object;
}

// memory(): bytes of the device's memory in use.
Napi::Value memory(const Napi::CallbackInfo& info) {
  const auto stats = maskrcnn::stand_in::device_memory().getDeviceStats(0);
  const auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  return Napi::Number::New(info.Env(), static_cast<double>(stats.allocated_bytes[all].current));
}

// limitMemory(bytes)
Napi::Value limit_memory(const Napi::CallbackInfo& info) {
  maskrcnn::stand_in::limit_device_memory(info[0].As<Napi::Number>().Int64Value());
  return info.Env().Undefined();
}

// operations(): {held, begun}
Napi::Value operations(const Napi::CallbackInfo& info) {
  const auto [held, begun] = maskrcnn::stand_in::operations();
  auto object = Napi::Object::New(info.Env());
  object.Set("held", Napi::Number::New(info.Env(), static_cast<double>(held)));
  object.Set("begun", Napi::Number::New(info.Env(), static_cast<double>(begun)));
  return object;
}

// holdOperations(isHeld)
Napi::Value hold_operations(const Napi::CallbackInfo& info) {
  maskrcnn::stand_in::hold_operations(info[0].As<Napi::Boolean>());
  return info.Env().Undefined();
}

int64_t port_of(const Napi::CallbackInfo& info) {
  return info[0].As<Napi::Number>().Int64Value();
}

// closeTwice(port)
Napi::Value close_twice(const Napi::CallbackInfo& info) {
  maskrcnn::stand_in::close_twice(port_of(info));
  return info.Env().Undefined();
}

// closeAfterEnd(port): why the group has failed, or ''.
Napi::Value close_after_end(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), maskrcnn::stand_in::close_after_end(port_of(info)));
}

// closeWhileBeginning(port): what rank 1 hears.
Napi::Value close_while_beginning(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), maskrcnn::stand_in::close_while_beginning(port_of(info)));
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("takeJournal", Napi::Function::New(env, take_journal, "takeJournal"));
  exports.Set("limitMemory", Napi::Function::New(env, limit_memory, "limitMemory"));
  exports.Set("memory", Napi::Function::New(env, memory, "memory"));
  exports.Set("operations", Napi::Function::New(env, operations, "operations"));
  exports.Set("holdOperations", Napi::Function::New(env, hold_operations, "holdOperations"));
  exports.Set("closeTwice", Napi::Function::New(env, close_twice, "closeTwice"));
  exports.Set("closeAfterEnd", Napi::Function::New(env, close_after_end, "closeAfterEnd"));
  exports.Set(
      "closeWhileBeginning",
      Napi::Function::New(env, close_while_beginning, "closeWhileBeginning"));
  return exports;
}

}  // namespace

NODE_API_MODULE(stand_in, init)
