#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>
#include <utility>

// Vectors of a few float32, for loops that the compiler does not keep in registers by itself, by
// the vector types of GCC and Clang. Whoever uses them chooses the instructions, by a target of
// their own or by MASKRCNN_TARGET_CLONES.

#define MASKRCNN_INLINED __attribute__((always_inline))  // of lambdas
#define MASKRCNN_INLINE inline MASKRCNN_INLINED
#define MASKRCNN_FETCH(address, for_writing) __builtin_prefetch(address, for_writing, 2)
#if defined(__clang__)
#define MASKRCNN_UNROLLED
#else
#define MASKRCNN_UNROLLED _Pragma("GCC unroll 16")
// Everything below is inlined, so no vector is ever passed between functions.
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

namespace maskrcnn::ops {

template <int64_t lanes>
struct LaneTypes {
  typedef float Numbers __attribute__((vector_size(lanes * sizeof(float))));
  typedef uint32_t Words __attribute__((vector_size(lanes * sizeof(uint32_t))));
  typedef uint16_t Halves __attribute__((vector_size(lanes * sizeof(uint16_t))));
};

template <int64_t lanes>
struct Lanes {
  using Numbers = typename LaneTypes<lanes>::Numbers;
  using Words = typename LaneTypes<lanes>::Words;
  using Halves = typename LaneTypes<lanes>::Halves;

  static MASKRCNN_INLINE Numbers read(const float* from) {
    Numbers numbers;
    std::memcpy(&numbers, from, sizeof(numbers));
    return numbers;
  }

  static MASKRCNN_INLINE void write(const Numbers& numbers, float* to) {
    std::memcpy(to, &numbers, sizeof(numbers));
  }

  static MASKRCNN_INLINE Numbers read(const c10::BFloat16* from) {
    Halves halves;
    std::memcpy(&halves, from, sizeof(halves));
    return reinterpret_cast<Numbers>(__builtin_convertvector(halves, Words) << 16);
  }

  // Twice as many: the even ones, then the odd ones. Faster than two reads.
  static MASKRCNN_INLINE void read_split(const c10::BFloat16* from, Numbers& even, Numbers& odd) {
    Words words;
    std::memcpy(&words, from, sizeof(words));
    even = reinterpret_cast<Numbers>(words << 16);
    odd = reinterpret_cast<Numbers>(words & 0xffff0000);
  }

  // Rounds to nearest even, as c10::BFloat16 does.
  static MASKRCNN_INLINE void write(const Numbers& numbers, c10::BFloat16* to) {
    const Words bits = reinterpret_cast<Words>(numbers);
    const Words rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    const Words quiet_nan = Words{} + 0x7fc0;
    const Halves halves = __builtin_convertvector(numbers == numbers ? rounded : quiet_nan, Halves);
    std::memcpy(to, &halves, sizeof(halves));
  }

  // Negative numbers become 0.
  static MASKRCNN_INLINE Numbers positive(const Numbers& numbers) {
    return numbers < 0 ? Numbers{} : numbers;
  }
};

// Lane l of the result is lane chosen(l) of a and b, one after the other.
template <int64_t lanes, typename Choose>
MASKRCNN_INLINE typename Lanes<lanes>::Numbers shuffle(
    const typename Lanes<lanes>::Numbers& a,
    const typename Lanes<lanes>::Numbers& b,
    Choose chosen) {
  return [&]<int64_t... l>(std::integer_sequence<int64_t, l...>) MASKRCNN_INLINED {
#if defined(__clang__)
    return __builtin_shufflevector(a, b, Choose()(l)...);
#else
    return __builtin_shuffle(
        a, b, typename Lanes<lanes>::Words{static_cast<uint32_t>(chosen(l))...});
#endif
  }
  (std::make_integer_sequence<int64_t, lanes>());
}

// Rows become columns: for each bit of the indices, the two quarters of squares where it differs
// change places (Eklundh, "A fast computer method for matrix transposing", 1972).
template <int64_t lanes, int64_t bit = lanes / 2>
MASKRCNN_INLINE void transpose_lanes(typename Lanes<lanes>::Numbers (&rows)[lanes]) {
  if constexpr (bit > 0) {
    constexpr auto of_first = [](int64_t l) { return l & bit ? lanes + l - bit : l; };
    constexpr auto of_second = [](int64_t l) { return l & bit ? lanes + l : l + bit; };
    MASKRCNN_UNROLLED
    for (int64_t i = 0; i < lanes; ++i) {
      if (i & bit) continue;
      const auto first = rows[i], second = rows[i + bit];
      rows[i] = shuffle<lanes>(first, second, of_first);
      rows[i + bit] = shuffle<lanes>(first, second, of_second);
    }
    transpose_lanes<lanes, bit / 2>(rows);
  }
}

}  // namespace maskrcnn::ops
