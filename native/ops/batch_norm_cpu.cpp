#include "ops/batch_norm_cpu.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "aten.h"
#include "ops/batch_norm_kernels.h"

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
  if (count == 0) return means;
  for (int64_t i = 0; i < count; ++i) {
    const auto* row = x + (i * rows / count) * channels;
    for (int64_t c = 0; c < channels; ++c) means[c] += static_cast<float>(row[c]);
  }
  for (auto& mean : means) mean /= static_cast<float>(count);
  return means;
}

at::Tensor to_tensor(const std::vector<double>& values) {
  return at::tensor(values, at::kDouble);
}

template <typename Pixel>
Moments moments(const at::Tensor& x) {
  const auto rows = rows_of(x), channels = x.size(1);
  const auto* from = x.const_data_ptr<Pixel>();
  const auto shift = rough_means(from, rows, channels);
  const auto sums =
      add_up(rows, channels, [&](int64_t first, int64_t count, double* of_x, double* of_squares) {
        const auto* part = from + first * channels;
        moments_of_block(part, shift.data(), count, channels, of_x, of_squares);
      });
  const auto count = static_cast<double>(std::max<int64_t>(rows, 1));
  std::vector<double> means(channels), variances(channels);
  for (int64_t c = 0; c < channels; ++c) {
    const auto shifted = sums.first[c] / count;
    means[c] = shifted + shift[c];
    const auto of_squares = sums.second[c] / count;
    variances[c] = std::max(of_squares - shifted * shifted, 0.0);
    if (std::isnan(of_squares)) variances[c] = of_squares;
  }
  return {to_tensor(means), to_tensor(variances)};
}

template <typename Pixel>
at::Tensor normalize(
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& bias,
    const at::Tensor& mean,
    const at::Tensor& inv_std,
    const LayerEnd& end) {
  const auto channels = x.size(1);
  const auto* means = mean.const_data_ptr<double>();
  const auto* inverses = inv_std.const_data_ptr<double>();
  std::vector<float> scale(channels), offset(channels);
  for (int64_t c = 0; c < channels; ++c) {
    const auto factor = inverses[c] * weight.const_data_ptr<float>()[c];
    scale[c] = static_cast<float>(factor);
    offset[c] = static_cast<float>(bias.const_data_ptr<float>()[c] - means[c] * factor);
  }
  const auto least = end.relu ? 0.0f : -std::numeric_limits<float>::infinity();
  const auto* from = x.const_data_ptr<Pixel>();
  const auto* added = end.addend.defined() ? end.addend.const_data_ptr<Pixel>() : nullptr;
  auto result = at::empty_like(x);
  auto* to = result.template mutable_data_ptr<Pixel>();
  for_each_block(rows_of(x), channels, [&](int64_t first, int64_t count) {
    const auto start = first * channels;
    scale_rows(
        from + start,
        scale.data(),
        offset.data(),
        added ? added + start : nullptr,
        least,
        count,
        channels,
        to + start);
  });
  return result;
}

std::vector<float> in_floats(const at::Tensor& mean) {
  const auto* values = mean.const_data_ptr<double>();
  return {values, values + mean.numel()};
}

template <typename Pixel>
GradientMoments gradient_moments(
    const at::Tensor& grad, const at::Tensor& x, const at::Tensor& mean) {
  const auto channels = x.size(1);
  const auto* from = x.const_data_ptr<Pixel>();
  const auto* from_grad = grad.const_data_ptr<Pixel>();
  const auto middle = in_floats(mean);
  auto sums = add_up(
      rows_of(x),
      channels,
      [&](int64_t first, int64_t count, double* of_grad, double* of_products) {
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
  const auto* means = mean.const_data_ptr<double>();
  for (int64_t c = 0; c < channels; ++c) {
    sums.second[c] += (middle[c] - means[c]) * sums.first[c];
  }
  return {to_tensor(sums.first), to_tensor(sums.second)};
}

template <typename Pixel>
at::Tensor gradient(
    const at::Tensor& grad,
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& mean,
    const at::Tensor& inv_std,
    const GradientMoments& sums,
    double count) {
  const auto channels = x.size(1);
  const auto* inverses = inv_std.const_data_ptr<double>();
  const auto* of_grads = sums.grad.const_data_ptr<double>();
  const auto* of_products = sums.product.const_data_ptr<double>();
  const auto middle = in_floats(mean);
  std::vector<float> of_grad(channels), of_x(channels), constant(channels);
  for (int64_t c = 0; c < channels; ++c) {
    const auto factor = inverses[c] * weight.const_data_ptr<float>()[c];
    of_grad[c] = static_cast<float>(factor);
    of_x[c] = static_cast<float>(factor * inverses[c] * inverses[c] * of_products[c] / count);
    constant[c] = static_cast<float>(factor * of_grads[c] / count);
  }
  auto result = at::empty_like(x);
  const auto* from = x.const_data_ptr<Pixel>();
  const auto* from_grad = grad.const_data_ptr<Pixel>();
  auto* to = result.template mutable_data_ptr<Pixel>();
  for_each_block(rows_of(x), channels, [&](int64_t first, int64_t rows) {
    const auto offset = first * channels;
    combine_rows(
        from_grad + offset,
        from + offset,
        of_grad.data(),
        of_x.data(),
        middle.data(),
        constant.data(),
        rows,
        channels,
        to + offset);
  });
  return result;
}

bool is_float(const at::Tensor& x) {
  return x.scalar_type() == at::kFloat;
}

}  // namespace

Moments moments_on_cpu(const at::Tensor& x) {
  return is_float(x) ? moments<float>(x) : moments<c10::BFloat16>(x);
}

at::Tensor normalize_on_cpu(
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& bias,
    const at::Tensor& mean,
    const at::Tensor& inv_std,
    const LayerEnd& end) {
  const auto of = is_float(x) ? normalize<float> : normalize<c10::BFloat16>;
  return of(x, weight, bias, mean, inv_std, end);
}

GradientMoments gradient_moments_on_cpu(
    const at::Tensor& grad, const at::Tensor& x, const at::Tensor& mean) {
  const auto of = is_float(x) ? gradient_moments<float> : gradient_moments<c10::BFloat16>;
  return of(grad, x, mean);
}

at::Tensor gradient_on_cpu(
    const at::Tensor& grad,
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& mean,
    const at::Tensor& inv_std,
    const GradientMoments& sums,
    double count) {
  const auto of = is_float(x) ? gradient<float> : gradient<c10::BFloat16>;
  return of(grad, x, weight, mean, inv_std, sums, count);
}

}  // namespace maskrcnn::ops
