#include "ops/batch_norm.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "aten.h"
#include "ops/target_clones.h"

// Letters: N images, C channels, H W rows and columns, R = N·H·W rows of a map, one per pixel.

namespace maskrcnn::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Channels whose sums stay in registers while a block of rows passes by.
constexpr int64_t kLanes = 16;
// Numbers of a block of rows: few enough to stay in the cache for every group of channels.
constexpr int64_t kBlock = 1 << 14;

struct Sums {
  std::vector<double> first, second;  // [C]
};

int64_t rows_of(const at::Tensor& x) {
  return x.numel() / x.size(1);
}

int64_t rows_per_block(int64_t channels) {
  return std::max<int64_t>(kBlock / channels, 1);
}

// sums[c] += x and squares[c] += x² over `rows` rows, for `lanes` channels.
template <typename Pixel>
inline __attribute__((always_inline)) void add_moments(
    const Pixel* x, int64_t rows, int64_t stride, int64_t lanes, double* sums, double* squares) {
  double sum[kLanes] = {}, square[kLanes] = {};
  for (int64_t r = 0; r < rows; ++r, x += stride) {
    for (int64_t c = 0; c < lanes; ++c) {
      const double value = static_cast<float>(x[c]);
      sum[c] += value;
      square[c] += value * value;
    }
  }
  for (int64_t c = 0; c < lanes; ++c) {
    sums[c] += sum[c];
    squares[c] += square[c];
  }
}

// sums[c] += g and products[c] += g · (x - mean[c]), likewise.
template <typename Pixel>
inline __attribute__((always_inline)) void add_gradients(
    const Pixel* grad,
    const Pixel* x,
    const double* mean,
    int64_t rows,
    int64_t stride,
    int64_t lanes,
    double* sums,
    double* products) {
  double sum[kLanes] = {}, product[kLanes] = {}, middle[kLanes] = {};
  std::copy_n(mean, lanes, middle);
  for (int64_t r = 0; r < rows; ++r, x += stride, grad += stride) {
    for (int64_t c = 0; c < lanes; ++c) {
      const double value = static_cast<float>(grad[c]);
      sum[c] += value;
      product[c] += value * (static_cast<float>(x[c]) - middle[c]);
    }
  }
  for (int64_t c = 0; c < lanes; ++c) {
    sums[c] += sum[c];
    products[c] += product[c];
  }
}

// GCC clones functions for instruction sets, not templates.
#define MASKRCNN_BATCH_NORM_KERNELS(Pixel)                                                      \
  MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")                                          \
  void moments_of_block(                                                                        \
      const Pixel* x, int64_t rows, int64_t channels, double* sums, double* squares) {          \
    int64_t c = 0;                                                                              \
    for (; c + kLanes <= channels; c += kLanes)                                                 \
      add_moments(x + c, rows, channels, kLanes, sums + c, squares + c);                        \
    if (c < channels) add_moments(x + c, rows, channels, channels - c, sums + c, squares + c);  \
  }                                                                                             \
  MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")                                          \
  void gradients_of_block(                                                                      \
      const Pixel* grad,                                                                        \
      const Pixel* x,                                                                           \
      const double* mean,                                                                       \
      int64_t rows,                                                                             \
      int64_t channels,                                                                         \
      double* sums,                                                                             \
      double* products) {                                                                       \
    int64_t c = 0;                                                                              \
    for (; c + kLanes <= channels; c += kLanes)                                                 \
      add_gradients(grad + c, x + c, mean + c, rows, channels, kLanes, sums + c, products + c); \
    if (c < channels)                                                                           \
      add_gradients(                                                                            \
          grad + c, x + c, mean + c, rows, channels, channels - c, sums + c, products + c);     \
  }                                                                                             \
  MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")                                          \
  void scale_rows(                                                                              \
      const Pixel* x,                                                                           \
      const float* scale,                                                                       \
      const float* shift,                                                                       \
      int64_t rows,                                                                             \
      int64_t channels,                                                                         \
      Pixel* result) {                                                                          \
    for (int64_t r = 0; r < rows; ++r, x += channels, result += channels)                       \
      for (int64_t c = 0; c < channels; ++c)                                                    \
        result[c] = static_cast<Pixel>(static_cast<float>(x[c]) * scale[c] + shift[c]);         \
  }                                                                                             \
  MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")                                          \
  void combine_rows(                                                                            \
      const Pixel* grad,                                                                        \
      const Pixel* x,                                                                           \
      const float* of_grad,                                                                     \
      const float* of_x,                                                                        \
      const float* mean,                                                                        \
      const float* constant,                                                                    \
      int64_t rows,                                                                             \
      int64_t channels,                                                                         \
      Pixel* result) {                                                                          \
    for (int64_t r = 0; r < rows; ++r, x += channels, grad += channels, result += channels)     \
      for (int64_t c = 0; c < channels; ++c)                                                    \
        result[c] = static_cast<Pixel>(                                                         \
            static_cast<float>(grad[c]) * of_grad[c] -                                          \
            (static_cast<float>(x[c]) - mean[c]) * of_x[c] - constant[c]);                      \
  }

MASKRCNN_BATCH_NORM_KERNELS(float)
MASKRCNN_BATCH_NORM_KERNELS(c10::BFloat16)
#undef MASKRCNN_BATCH_NORM_KERNELS

// Adds up in blocks of fixed size and these in order, so that no result depends on the threads.
template <typename AddBlock>
Sums add_up(int64_t rows, int64_t channels, AddBlock add_block) {
  const auto size = rows_per_block(channels);
  const auto blocks = at::divup(rows, size);
  std::vector<double> partial(2 * blocks * channels);
  at::parallel_for(0, blocks, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      auto* sums = partial.data() + 2 * block * channels;
      const auto first = block * size;
      add_block(first, std::min(size, rows - first), sums, sums + channels);
    }
  });
  Sums sums{std::vector<double>(channels), std::vector<double>(channels)};
  for (int64_t block = 0; block < blocks; ++block) {
    const auto* from = partial.data() + 2 * block * channels;
    for (int64_t c = 0; c < channels; ++c) {
      sums.first[c] += from[c];
      sums.second[c] += from[channels + c];
    }
  }
  return sums;
}

template <typename Work>
void for_each_block(int64_t rows, int64_t channels, Work work) {
  const auto size = rows_per_block(channels);
  at::parallel_for(0, at::divup(rows, size), /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    work(begin * size, std::min(end * size, rows) - begin * size);
  });
}

template <typename Pixel>
at::Tensor normalize(
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& bias,
    at::Tensor& mean,      // [C] f64, written
    at::Tensor& inv_std,   // [C] f64, written
    at::Tensor& variance,  // [C] f64, written
    double eps) {
  const auto rows = rows_of(x), channels = x.size(1);
  const auto* from = x.const_data_ptr<Pixel>();
  const auto sums =
      add_up(rows, channels, [&](int64_t first, int64_t count, double* of_x, double* of_squares) {
        moments_of_block(from + first * channels, count, channels, of_x, of_squares);
      });
  auto* means = mean.mutable_data_ptr<double>();
  auto* inverses = inv_std.mutable_data_ptr<double>();
  auto* variances = variance.mutable_data_ptr<double>();
  std::vector<float> scale(channels), shift(channels);
  for (int64_t c = 0; c < channels; ++c) {
    means[c] = sums.first[c] / static_cast<double>(rows);
    const auto of_squares = sums.second[c] / static_cast<double>(rows);
    variances[c] = std::max(of_squares - means[c] * means[c], 0.0);
    if (std::isnan(of_squares)) variances[c] = of_squares;
    inverses[c] = 1 / std::sqrt(variances[c] + eps);
    const auto factor = inverses[c] * weight.const_data_ptr<float>()[c];
    scale[c] = static_cast<float>(factor);
    shift[c] = static_cast<float>(bias.const_data_ptr<float>()[c] - means[c] * factor);
  }
  auto result = at::empty_like(x);
  auto* to = result.template mutable_data_ptr<Pixel>();
  for_each_block(rows, channels, [&](int64_t first, int64_t count) {
    const auto offset = first * channels;
    scale_rows(from + offset, scale.data(), shift.data(), count, channels, to + offset);
  });
  return result;
}

struct Gradients {
  at::Tensor x, weight, bias;
};

// With g the gradient of the result, s the inverse of the deviation and means over the rows:
//   dx = weight s (g - mean(g) - (x - mean) s² mean(g (x - mean)))
template <typename Pixel>
Gradients gradients_of(
    const at::Tensor& grad,
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& mean,
    const at::Tensor& inv_std) {
  const auto rows = rows_of(x), channels = x.size(1);
  const auto* from = x.const_data_ptr<Pixel>();
  const auto* from_grad = grad.const_data_ptr<Pixel>();
  const auto* means = mean.const_data_ptr<double>();
  const auto* inverses = inv_std.const_data_ptr<double>();
  const auto sums = add_up(
      rows, channels, [&](int64_t first, int64_t count, double* of_grad, double* of_products) {
        const auto offset = first * channels;
        gradients_of_block(
            from_grad + offset, from + offset, means, count, channels, of_grad, of_products);
      });
  Gradients gradients{at::empty_like(x), at::empty_like(weight), at::empty_like(weight)};
  std::vector<float> of_grad(channels), of_x(channels), middle(channels), constant(channels);
  for (int64_t c = 0; c < channels; ++c) {
    gradients.weight.mutable_data_ptr<float>()[c] =
        static_cast<float>(sums.second[c] * inverses[c]);
    gradients.bias.mutable_data_ptr<float>()[c] = static_cast<float>(sums.first[c]);
    const auto factor = inverses[c] * weight.const_data_ptr<float>()[c];
    const auto count = static_cast<double>(rows);
    of_grad[c] = static_cast<float>(factor);
    of_x[c] = static_cast<float>(factor * inverses[c] * inverses[c] * sums.second[c] / count);
    middle[c] = static_cast<float>(means[c]);
    constant[c] = static_cast<float>(factor * sums.first[c] / count);
  }
  auto* to = gradients.x.template mutable_data_ptr<Pixel>();
  for_each_block(rows, channels, [&](int64_t first, int64_t count) {
    const auto offset = first * channels;
    combine_rows(
        from_grad + offset,
        from + offset,
        of_grad.data(),
        of_x.data(),
        middle.data(),
        constant.data(),
        count,
        channels,
        to + offset);
  });
  return gradients;
}

struct BatchNormFunction : torch::autograd::Function<BatchNormFunction> {
  static at::Tensor forward(
      AutogradContext* context,
      const at::Tensor& x,
      const at::Tensor& weight,
      const at::Tensor& bias,
      at::Tensor running_mean,
      at::Tensor running_var,
      const BatchNormOptions& options) {
    auto mean = at::empty({x.size(1)}, at::kDouble);
    auto inv_std = at::empty_like(mean), variance = at::empty_like(mean);
    const auto result =
        x.scalar_type() == at::kFloat
            ? normalize<float>(x, weight, bias, mean, inv_std, variance, options.eps)
            : normalize<c10::BFloat16>(x, weight, bias, mean, inv_std, variance, options.eps);
    const auto rows = static_cast<double>(rows_of(x));
    running_mean.lerp_(mean.to(at::kFloat), options.momentum);
    running_var.lerp_((variance * (rows / (rows - 1))).to(at::kFloat), options.momentum);
    context->save_for_backward({x, weight, mean, inv_std});
    return result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const auto& x = saved[0];
    const auto grad = grads[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    const auto of = x.scalar_type() == at::kFloat
                        ? gradients_of<float>(grad, x, saved[1], saved[2], saved[3])
                        : gradients_of<c10::BFloat16>(grad, x, saved[1], saved[2], saved[3]);
    return {of.x, of.weight, of.bias, {}, {}, {}};
  }
};

}  // namespace

bool suits_batch_norm(const at::Tensor& x) {
  return x.is_cpu() && x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && x.numel() > 0 &&
         rows_of(x) > 1;
}

at::Tensor batch_norm(
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& bias,
    at::Tensor running_mean,
    at::Tensor running_var,
    const BatchNormOptions& options) {
  return BatchNormFunction::apply(x, weight, bias, running_mean, running_var, options);
}

}  // namespace maskrcnn::ops
