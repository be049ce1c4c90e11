#include "binding/exports/group.h"

#include <string>
#include <utility>
#include <vector>

#include "aten.h"
#include "binding/conversion/arguments.h"
#include "binding/conversion/convert.h"
#include "binding/conversion/fields.h"
#include "binding/conversion/model_options.h"
#include "binding/conversion/results.h"
#include "binding/exports/instance_data.h"
#include "binding/worker/run_on_pool.h"

namespace maskrcnn::binding {

namespace {

// The arguments that join() passes to the constructor.
struct Member {
  std::shared_ptr<maskrcnn::Group> group;
  std::shared_ptr<Worker> worker;
};

GroupOptions to_group_options(const Napi::Value& value) {
  const Fields fields(value, "options");
  return {
      fields.integer("rank"),
      fields.integer("size"),
      fields.string("address"),
      fields.integer("port"),
      fields.boolean("serves"),
      fields.string("prefix"),
      fields.string("interface"),
      fields.number("timeout"),
      fields.string("host")};
}

}  // namespace

Napi::Function Group::define(Napi::Env env) {
  return DefineClass(
      env,
      "Group",
      {StaticMethod<&Group::join>("join"),
       StaticMethod<&Group::close_all>("closeAll"),
       InstanceMethod<&Group::use_device>("useDevice"),
       InstanceMethod<&Group::gather>("gather"),
       InstanceMethod<&Group::broadcast>("broadcast"),
       InstanceMethod<&Group::sum>("sum"),
       InstanceMethod<&Group::pass>("pass"),
       InstanceMethod<&Group::fail>("fail")});
}

Group::Group(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Group>(info) {
  if (info.Length() != 1 || !info[0].IsExternal())
    throw Napi::TypeError::New(info.Env(), "Groups are made by Group.join().");
  auto* member = info[0].As<Napi::External<Member>>().Data();
  group_ = member->group;
  worker_ = member->worker;
}

std::shared_ptr<maskrcnn::Group> Group::of(const Napi::Value& value) {
  const auto env = value.Env();
  if (!value.IsObject() ||
      !value.As<Napi::Object>().InstanceOf(InstanceData::of(env).group_class.Value()))
    throw Napi::TypeError::New(env, "A model joins a Group.");
  return Unwrap(value.As<Napi::Object>())->group_;
}

Napi::Value Group::join(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  // Here, not on its thread: what closes all groups from now on must know of it.
  const auto group = guarded(
      env, [&] { return std::make_shared<maskrcnn::Group>(to_group_options(info[0]), env); });
  const auto worker = std::make_shared<Worker>(env, /*threads=*/1);
  return worker->run(
      env,
      [group] {
        group->join();
        return group;
      },
      [worker](Napi::Env env, std::shared_ptr<maskrcnn::Group> group) -> Napi::Value {
        Member member{std::move(group), worker};
        return InstanceData::of(env).group_class.New({Napi::External<Member>::New(env, &member)});
      });
}

Napi::Value Group::close_all(const Napi::CallbackInfo& info) {
  maskrcnn::Group::close_all(info.Env(), /*process_ends=*/false);
  return info.Env().Undefined();
}

Napi::Value Group::use_device(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    return worker_->run(env, [group = group_, device = to_device(read_string(info[0], "device"))] {
      group->use_device(device);
    });
  });
}

Napi::Value Group::gather(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto bytes = guarded(env, [&] { return to_bytes(info[0]); });
  return worker_->run(
      env,
      [group = group_, bytes] { return group->gather(bytes); },
      [](Napi::Env env, const std::vector<at::Tensor>& parts) -> Napi::Value {
        auto array = Napi::Array::New(env, parts.size());
        for (size_t rank = 0; rank < parts.size(); ++rank)
          array.Set(static_cast<uint32_t>(rank), from_bytes(env, parts[rank]));
        return array;
      });
}

Napi::Value Group::broadcast(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto bytes = guarded(env, [&] { return to_bytes(info[0]); });
  return worker_->run(
      env,
      [group = group_, bytes] {
        const auto length = at::full({1}, bytes.numel(), at::kLong);
        group->broadcast(length);
        const auto values =
            group->rank() == 0 ? bytes : at::empty({length.item<int64_t>()}, at::kByte);
        if (values.numel() > 0) group->broadcast(values);
        return values;
      },
      [](Napi::Env env, const at::Tensor& values) { return from_bytes(env, values); });
}

Napi::Value Group::sum(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  // A tensor that owns its numbers: an operation that is given up may still write to them.
  const auto values = guarded(
      env, [&] { return at::tensor(copy(read_finite_doubles(info[0], "values")), at::kDouble); });
  return worker_->run(
      env,
      [group = group_, values] {
        group->sum(values);
        const auto* const sums = values.const_data_ptr<double>();
        return std::vector<double>(sums, sums + values.numel());
      },
      [](Napi::Env env, const std::vector<double>& sums) -> Napi::Value {
        return to_array<Napi::Float64Array>(env, sums);
      });
}

Napi::Value Group::pass(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    return worker_->run(
        env, [group = group_, name = read_string(info[0], "name")] { group->pass(name); });
  });
}

Napi::Value Group::fail(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  // Not on the group's thread, which may be waiting for the others.
  return guarded(env, [&] {
    return run_on_pool(
        env,
        [group = group_, words = read_string(info[0], "words")] {
          group->fail(words);
          return 0;
        },
        [](Napi::Env env, int) -> Napi::Value { return env.Undefined(); });
  });
}

}  // namespace maskrcnn::binding
