#pragma once

#include <string>
#include <utility>
#include <vector>

#include "aten.h"

namespace maskrcnn {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

}  // namespace maskrcnn
