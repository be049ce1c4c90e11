#include "ops/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "aten.h"
#include "ops/batch_norm_kernels.h"
#include "ops/differentiable.h"

// Letters: N images, C channels, H W rows and columns, R = N·H·W rows of a map, one per pixel.

namespace maskrcnn::ops {
namespace {

// Numbers of a block of rows, which has sums of its own in float64.
constexpr int64_t kBlock = 1 << 16;
// A piece of a block is added up in float32: few enough numbers to stay in the first cache for
// every group of channels, and few enough rows to lose nothing that float32 has.
constexpr int64_t kPiece = 1 << 12;
constexpr int64_t kPieceRows = 16;
// Rows from which the shift of the moments is taken.
constexpr int64_t kSampledRows = 64;

struct Sums {
  std::vector<double> first, second;  // [C]
};

int64_t rows_of(const at::Tensor& x) {
  return x.numel() / x.size(1);
}

int64_t rows_of(int64_t numbers, int64_t channels) {
  return std::max<int64_t>(numbers / channels, 1);
}

// Adds up in blocks of fixed size and these in order, so that no result depends on the threads.
template <typename AddRows>
Sums add_up(int64_t rows, int64_t channels, AddRows add_rows) {
  const auto size = rows_of(kBlock, channels);
  const auto piece = std::min(rows_of(kPiece, channels), kPieceRows);
  const auto blocks = at::divup(rows, size);
  std::vector<double> partial(2 * blocks * channels);
  at::parallel_for(0, blocks, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      auto* sums = partial.data() + 2 * block * channels;
      const auto first = block * size;
      const auto end = std::min(first + size, rows);
      for (auto row = first; row < end; row += piece) {
        add_rows(row, std::min(piece, end - row), sums, sums + channels);
      }
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
  const auto size = rows_of(kBlock, channels);
  at::parallel_for(0, at::divup(rows, size), /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    work(begin * size, std::min(end * size, rows) - begin * size);
  });
}

// Means of a few rows, from everywhere in the maps. Subtracted first, they keep the squares as
// small as the variance, so that none of it is lost in float32.
template <typename Pixel>
std::vector<float> rough_means(const Pixel* x, int64_t rows, int64_t channels) {
  const auto count = std::min(rows, kSampledRows);
  std::vector<float> means(channels);
  for (int64_t i = 0; i < count; ++i) {
    const auto* row = x + (i * rows / count) * channels;
    for (int64_t c = 0; c < channels; ++c) means[c] += static_cast<float>(row[c]);
  }
  for (auto& mean : means) mean /= static_cast<float>(count);
  return means;
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
  const auto shift = rough_means(from, rows, channels);
  const auto sums =
      add_up(rows, channels, [&](int64_t first, int64_t count, double* of_x, double* of_squares) {
        const auto* part = from + first * channels;
        moments_of_block(part, shift.data(), count, channels, of_x, of_squares);
      });
  auto* means = mean.mutable_data_ptr<double>();
  auto* inverses = inv_std.mutable_data_ptr<double>();
  auto* variances = variance.mutable_data_ptr<double>();
  std::vector<float> scale(channels), offset(channels);
  for (int64_t c = 0; c < channels; ++c) {
    const auto shifted = sums.first[c] / static_cast<double>(rows);
    means[c] = shifted + shift[c];
    const auto of_squares = sums.second[c] / static_cast<double>(rows);
    variances[c] = std::max(of_squares - shifted * shifted, 0.0);
    if (std::isnan(of_squares)) variances[c] = of_squares;
    inverses[c] = 1 / std::sqrt(variances[c] + eps);
    const auto factor = inverses[c] * weight.const_data_ptr<float>()[c];
    scale[c] = static_cast<float>(factor);
    offset[c] = static_cast<float>(bias.const_data_ptr<float>()[c] - means[c] * factor);
  }
  auto result = at::empty_like(x);
  auto* to = result.template mutable_data_ptr<Pixel>();
  for_each_block(rows, channels, [&](int64_t first, int64_t count) {
    const auto start = first * channels;
    scale_rows(from + start, scale.data(), offset.data(), count, channels, to + start);
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
  std::vector<float> middle(channels);
  std::copy_n(means, channels, middle.begin());
  auto sums = add_up(
      rows, channels, [&](int64_t first, int64_t count, double* of_grad, double* of_products) {
        const auto offset = first * channels;
        gradients_of_block(
            from_grad + offset,
            from + offset,
            middle.data(),
            count,
            channels,
            of_grad,
            of_products);
      });
  // What the means have lost in float32.
  for (int64_t c = 0; c < channels; ++c) {
    sums.second[c] += (middle[c] - means[c]) * sums.first[c];
  }
  Gradients gradients{at::empty_like(x), at::empty_like(weight), at::empty_like(weight)};
  std::vector<float> of_grad(channels), of_x(channels), constant(channels);
  for (int64_t c = 0; c < channels; ++c) {
    gradients.weight.mutable_data_ptr<float>()[c] =
        static_cast<float>(sums.second[c] * inverses[c]);
    gradients.bias.mutable_data_ptr<float>()[c] = static_cast<float>(sums.first[c]);
    const auto factor = inverses[c] * weight.const_data_ptr<float>()[c];
    const auto count = static_cast<double>(rows);
    of_grad[c] = static_cast<float>(factor);
    of_x[c] = static_cast<float>(factor * inverses[c] * inverses[c] * sums.second[c] / count);
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

std::vector<at::Tensor> batch_norm_backward(const Backward& pass) {
  const auto& x = pass.saved[0];
  const auto grad = pass.grad.to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
  const auto of = x.scalar_type() == at::kFloat ? gradients_of<float> : gradients_of<c10::BFloat16>;
  const auto grads = of(grad, x, pass.saved[1], pass.saved[2], pass.saved[3]);
  return {grads.x, grads.weight, grads.bias};
}

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
  auto mean = at::empty({x.size(1)}, at::kDouble);
  auto inv_std = at::empty_like(mean), variance = at::empty_like(mean);
  const auto forward = [&] {
    const auto of = x.scalar_type() == at::kFloat ? normalize<float> : normalize<c10::BFloat16>;
    const auto result = of(x, weight, bias, mean, inv_std, variance, options.eps);
    const auto rows = static_cast<double>(rows_of(x));
    running_mean.lerp_(mean.to(at::kFloat), options.momentum);
    running_var.lerp_((variance * (rows / (rows - 1))).to(at::kFloat), options.momentum);
    return result;
  };
  return differentiable(
      {x, weight, bias}, /*saved=*/{x, weight, mean, inv_std}, forward, batch_norm_backward);
}

}  // namespace maskrcnn::ops
