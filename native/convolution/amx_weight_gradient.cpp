#include "convolution/amx_weight_gradient.h"

#include <algorithm>
#include <array>
#include <vector>

#include "aten.h"
#include "kernels/amx_pairs.h"
#include "kernels/amx_tiles.h"
#include "kernels/processor.h"

// Letters: N images, C input and K output channels, H W rows and columns.

namespace maskrcnn::ops {

#ifdef MASKRCNN_AMX

namespace {

// The rows of all images one after the other, each with `padding` zeros at its end, and each image
// with as many rows of zeros. So one distance leads from every place to a neighbour, which is a
// zero outside of the image.
struct Places {
  int64_t images, height, width, padding;

  int64_t pitch() const { return width + padding; }
  int64_t rows() const { return height + padding; }
  int64_t count() const { return images * rows() * pitch(); }

  // The index of the pixel at a place, or -1 where there is a zero.
  int64_t pixel(int64_t place) const {
    if (place < 0 || place >= count()) return -1;
    const auto column = place % pitch(), row = place / pitch() % rows();
    const auto image = place / pitch() / rows();
    return column < width && row < height ? (image * height + row) * width + column : -1;
  }
};

// How the work is cut up. Sums of `taps` columns of the kernel and `tiles` times 16 input channels
// are in the tile registers at once. So many places are packed at a time, which for 256 channels
// stay in the core's own cache.
template <int taps_, int tiles_>
struct Shape {
  static constexpr int taps = taps_, tiles = tiles_;
  static constexpr int64_t channels = tiles * kTileRows;
  static constexpr int64_t sums = taps * tiles * kTileSums;
  static constexpr int64_t places = taps == 1 ? 256 : 2048;
};
using Of3x3 = Shape<3, 2>;
using Of1x1 = Shape<1, 4>;
using Of1x1Narrow = Shape<1, 2>;

constexpr int64_t kFewestPlaces = 2048;  // that are worth sums of their own

// left: 16 output channels, `stride` numbers apart, at the place of each tap; right: pairs of
// places of the input channels.
template <typename S>
MASKRCNN_AMX_TARGET void sum_places(
    const std::array<const c10::BFloat16*, S::taps>& left,
    int64_t stride,
    const c10::BFloat16* right,
    int64_t places,
    float* sums,
    bool add) {
  keep_order();
  for_constants<S::taps * S::tiles>([&](auto i) MASKRCNN_AMX_INLINED {
    add ? load_tile<i>(sums + i * kTileSums, 64) : clear_tile<i>();
  });
  for (int64_t place = 0; place < places; place += kTileDepth) {
    // The processor does not guess the next lines of 16 rows.
    for (int64_t row = 0; row < kTileRows; ++row) {
      MASKRCNN_FETCH(left[S::taps / 2] + place + kTileDepth + row * stride, 0);
    }
    for_constants<S::taps>([&](auto tap) MASKRCNN_AMX_INLINED {
      load_tile<kLeftTile>(left[tap] + place, 2 * stride);
      for_constants<S::tiles>([&](auto tile) MASKRCNN_AMX_INLINED {
        load_tile<kRightTile>(right + place * S::channels + tile * 2 * kTileRows, 4 * S::channels);
        multiply_tiles<tap * S::tiles + tile>();
      });
    });
  }
  for_constants<S::taps * S::tiles>(
      [&](auto i) MASKRCNN_AMX_INLINED { store_tile<i>(sums + i * kTileSums, 64); });
  keep_order();
}

// The sums of some places and some blocks of input channels: [blocks,S::taps,K/16] times S::sums.
template <typename S>
class PlaceSums {
 public:
  PlaceSums(const PixelRows& input, const PixelRows& grad, const Places& places)
      : input_(input),
        grad_(grad),
        places_(places),
        // The farthest neighbour, in whole tiles.
        margin_(S::taps == 1 ? 0 : at::divup(places.pitch() + 1, kTileDepth) * kTileDepth),
        // An odd number of lines, because rows that are a power of two apart take each other's
        // place in the cache.
        stride_(((S::places + 2 * margin_) / kTileDepth | 1) * kTileDepth) {}

  MASKRCNN_AMX_TARGET void run(
      int64_t first_place,
      int64_t last_place,
      int64_t first_block,
      int64_t last_block,
      float* sums) {
    const TileScope tiles;
    const auto blocks = last_block - first_block, groups = grad_.channels / kTileRows;
    // A line more, which is fetched but not read.
    const at::Tensor left = at::empty({grad_.channels * stride_ + kTileDepth}, at::kBFloat16);
    const at::Tensor right = at::empty({blocks * S::channels * S::places}, at::kBFloat16);
    left_ = left.mutable_data_ptr<c10::BFloat16>();
    right_ = right.mutable_data_ptr<c10::BFloat16>();
    for (int64_t place = first_place; place < last_place; place += S::places) {
      const auto count = std::min(S::places, last_place - place);
      pack_input(place, count, first_block, blocks);
      pack_gradients(place - margin_, count + 2 * margin_);
      for (int64_t block = 0; block < blocks; ++block) {
        for (int64_t row = 0; row < S::taps; ++row) {
          for (int64_t group = 0; group < groups; ++group) {
            std::array<const c10::BFloat16*, S::taps> at_taps;
            for (int64_t tap = 0; tap < S::taps; ++tap) {
              // From an input pixel back to the output that it is part of by this tap.
              const auto distance = (row - S::taps / 2) * places_.pitch() + tap - S::taps / 2;
              at_taps[tap] = left_ + group * kTileRows * stride_ + margin_ - distance;
            }
            const auto set = ((first_block + block) * S::taps + row) * groups + group;
            sum_places<S>(
                at_taps,
                stride_,
                right_ + block * S::channels * S::places,
                count,
                sums + set * S::sums,
                /*add=*/place > first_place);
          }
        }
      }
    }
  }

 private:
  // [blocks,places/2,S::channels] pairs of places.
  MASKRCNN_AMX_TARGET void pack_input(
      int64_t first, int64_t count, int64_t first_block, int64_t blocks) const {
    for (int64_t place = 0; place < count; place += 2) {
      const auto even = places_.pixel(first + place), odd = places_.pixel(first + place + 1);
      for (int64_t c = 0; c < blocks * S::channels; c += 32) {
        const auto channel = first_block * S::channels + c;
        const auto pairs = interleave(input_.read(even, channel), input_.read(odd, channel));
        const auto block = c / S::channels;
        auto* to = right_ + (block * S::places + place) * S::channels + 2 * (c % S::channels);
        _mm512_storeu_si512(to, pairs.low);
        _mm512_storeu_si512(to + 32, pairs.high);
      }
    }
  }

  // [K,places]
  MASKRCNN_AMX_TARGET void pack_gradients(int64_t first, int64_t count) const {
    for (int64_t place = 0; place < count; place += kTileDepth) {
      int64_t pixels[kTileDepth];
      for (int64_t i = 0; i < kTileDepth; ++i) pixels[i] = places_.pixel(first + place + i);
      for (int64_t k = 0; k < grad_.channels; k += 32) {
        __m512i low[16], high[16];
        for (int64_t i = 0; i < 16; ++i) {
          const auto pairs =
              interleave(grad_.read(pixels[2 * i], k), grad_.read(pixels[2 * i + 1], k));
          low[i] = pairs.low;
          high[i] = pairs.high;
        }
        transpose(low);
        transpose(high);
        for (int64_t i = 0; i < 16; ++i) {
          _mm512_storeu_si512(left_ + (k + i) * stride_ + place, low[i]);
          _mm512_storeu_si512(left_ + (k + 16 + i) * stride_ + place, high[i]);
        }
      }
    }
  }

  PixelRows input_, grad_;
  Places places_;
  int64_t margin_, stride_;
  c10::BFloat16* left_ = nullptr;
  c10::BFloat16* right_ = nullptr;
};

template <typename S>
at::Tensor weight_gradient(const at::Tensor& x, const at::Tensor& grad) {
  const auto inputs = x.size(1), outputs = grad.size(1);
  const Places places{x.size(0), x.size(2), x.size(3), /*padding=*/S::taps / 2};
  const PixelRows input{x.const_data_ptr<c10::BFloat16>(), inputs};
  const PixelRows gradients{grad.const_data_ptr<c10::BFloat16>(), outputs};
  if (places.count() == 0 || inputs == 0 || outputs == 0) {
    return at::zeros({outputs, inputs, S::taps, S::taps}, at::kFloat);
  }
  const auto blocks = inputs / S::channels, groups = outputs / kTileRows;
  // Parts of the places have sums of their own, where there are enough of them. The other threads
  // share the input channels of a part.
  const int64_t threads = at::get_num_threads();
  const auto parts =
      std::clamp<int64_t>(places.count() / kFewestPlaces, 1, std::min<int64_t>(threads, 8));
  const auto shares = std::clamp<int64_t>(threads / parts, 1, blocks);
  const auto steps = at::divup(places.count(), kTileDepth);
  const at::Tensor sums = at::empty({parts, blocks, S::taps, groups, S::sums}, at::kFloat);
  auto* const first_sum = sums.mutable_data_ptr<float>();
  at::parallel_for(0, parts * shares, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const auto part = task / shares, share = task % shares;
      PlaceSums<S>(input, gradients, places)
          .run(
              steps * part / parts * kTileDepth,
              steps * (part + 1) / parts * kTileDepth,
              blocks * share / shares,
              blocks * (share + 1) / shares,
              first_sum + part * sums.stride(0));
    }
  });
  // [blocks,rows,groups,taps,tiles,16 outputs,16 inputs] -> [K,C,rows,taps]
  return (parts == 1 ? sums[0] : sums.sum(0))
      .view({blocks, S::taps, groups, S::taps, S::tiles, kTileRows, kTileRows})
      .permute({2, 5, 0, 4, 6, 1, 3})
      .reshape({outputs, inputs, S::taps, S::taps});
}

}  // namespace

bool suits_amx_weight_gradient(const at::Tensor& weight, const ConvolutionGeometry& geometry) {
  const auto side = weight.size(2);
  const auto both = [](const std::array<int64_t, 2>& values, int64_t wanted) {
    return values[0] == wanted && values[1] == wanted;
  };
  return has_amx() && geometry.groups == 1 && (side == 1 || side == 3) && weight.size(3) == side &&
         both(geometry.stride, 1) && both(geometry.padding, side / 2) &&
         (side == 1 || both(geometry.dilation, 1)) && weight.size(0) % 32 == 0 &&
         weight.size(1) % 32 == 0;
}

at::Tensor amx_weight_gradient(
    const at::Tensor& input, const at::Tensor& grad_output, int64_t side) {
  const auto suits = [](const at::Tensor& x) {
    return x.is_cpu() && x.dim() == 4 && x.scalar_type() == at::kBFloat16 && x.size(1) % 32 == 0;
  };
  TORCH_CHECK(
      has_amx() && suits(input) && suits(grad_output) && (side == 1 || side == 3) &&
          input.size(0) == grad_output.size(0) && input.size(2) == grad_output.size(2) &&
          input.size(3) == grad_output.size(3),
      "amx_weight_gradient: the images must be bfloat16 [N,32·n,H,W] of one size, got ",
      input.sizes(),
      " and ",
      grad_output.sizes());
  const auto x = input.contiguous(at::MemoryFormat::ChannelsLast);
  const auto grad = grad_output.contiguous(at::MemoryFormat::ChannelsLast);
  if (side == 3) return weight_gradient<Of3x3>(x, grad);
  return x.size(1) % Of1x1::channels == 0 ? weight_gradient<Of1x1>(x, grad)
                                          : weight_gradient<Of1x1Narrow>(x, grad);
}

#else

bool suits_amx_weight_gradient(const at::Tensor&, const ConvolutionGeometry&) {
  return false;
}

at::Tensor amx_weight_gradient(const at::Tensor&, const at::Tensor&, int64_t) {
  TORCH_CHECK(false, "amx_weight_gradient: this processor has no AMX");
}

#endif

}  // namespace maskrcnn::ops
