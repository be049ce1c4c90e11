#pragma once

#include "aten.h"

namespace maskrcnn {

// The first `count` values of at::randperm(total, generator), [count] i64, and the generator as it
// is after that. Of an image's 200,000 anchors 256 are drawn, and a GPU waits for them: to shuffle
// all takes some ten times as long (docs/performance.md).
at::Tensor first_of_permutation(int64_t total, int64_t count, at::Generator& generator);

}  // namespace maskrcnn
