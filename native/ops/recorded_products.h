#pragma once

#include <ATen/record_function.h>

#include <vector>

namespace maskrcnn::ops {

constexpr const char* kProducts = "maskrcnn::products";

// Tells stage_costs.cpp of as many products of two numbers as a direct computation takes. libtorch
// tells of those of its own operators.
inline void record_products(double count) {
  RECORD_FUNCTION(kProducts, std::vector<c10::IValue>(1, c10::IValue(count)));
}

}  // namespace maskrcnn::ops
