#include "binding/exports/memory.h"

#include <limits>
#include <unordered_map>
#include <vector>

#include "binding/conversion/arguments.h"
#include "binding/conversion/results.h"
#include "memory/block_pool.h"

namespace maskrcnn::binding {

Napi::Value place_blocks(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  memory::BlockPool pool(read_integer(info[0], "capacity", 1, std::numeric_limits<int32_t>::max()));
  const auto script = read_integers(info[1], "script");
  std::unordered_map<int32_t, size_t> taken;  // index in the script -> offset
  std::vector<int32_t> offsets;
  for (int32_t entry = 0; entry < script.length; ++entry) {
    const auto what = script.data[entry];
    if (what > 0) {
      const auto offset = pool.take(what);
      if (offset) taken.emplace(entry, *offset);
      offsets.push_back(offset ? static_cast<int32_t>(*offset) : -1);
      continue;
    }
    const auto block = taken.extract(-what);
    if (block.empty()) refuse_value(env, "script", "give back blocks that are taken", what);
    pool.give_back(block.mapped());
    offsets.push_back(-1);
  }
  return to_array<Napi::Int32Array>(env, offsets);
}

}  // namespace maskrcnn::binding
