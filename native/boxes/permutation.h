#pragma once

#include "aten.h"

namespace maskrcnn {

// The first `count` values of at::randperm(total, generator), [count] i64. Leaves the generator in
// the same state as at::randperm does. 256 of an image's 200,000 anchors are sampled while a GPU
// waits for them; shuffling all anchors takes about ten times as long (docs/performance.md).
at::Tensor first_of_permutation(int64_t total, int64_t count, at::Generator& generator);

}  // namespace maskrcnn
