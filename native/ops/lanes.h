#pragma once

#include <c10/util/BFloat16.h>

#include <bit>
#include <cstdint>
#include <cstring>

// Vectors of a few float32, for loops that the compiler does not keep in registers by itself. What
// uses them says for which instructions it is compiled: by a target of its own, or by
// MASKRCNN_TARGET_CLONES.

#if defined(__GNUC__)
#define MASKRCNN_INLINE inline __attribute__((always_inline))
#define MASKRCNN_FETCH(address, for_writing) __builtin_prefetch(address, for_writing, 2)
#else
#define MASKRCNN_INLINE inline
#define MASKRCNN_FETCH(address, for_writing)
#endif
#if defined(__GNUC__) && !defined(__clang__)
#define MASKRCNN_UNROLLED _Pragma("GCC unroll 8")
#else
#define MASKRCNN_UNROLLED
#endif

#if defined(__GNUC__) && !defined(__clang__)
// Everything below is inlined, so no vector is ever passed between functions.
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

namespace maskrcnn::ops {

template <int64_t lanes>
struct Vector {
#if defined(__GNUC__)
  typedef float Type __attribute__((vector_size(lanes * sizeof(float))));
#else
  struct Type {
    float at[lanes];

    float& operator[](int64_t i) { return at[i]; }
    void operator+=(const Type& other) { *this = *this + other; }
    friend Type operator+(Type a, const Type& b) {
      for (int64_t i = 0; i < lanes; ++i) a.at[i] += b.at[i];
      return a;
    }
    friend Type operator-(Type a, const Type& b) {
      for (int64_t i = 0; i < lanes; ++i) a.at[i] -= b.at[i];
      return a;
    }
    friend Type operator*(float factor, Type a) {
      for (int64_t i = 0; i < lanes; ++i) a.at[i] *= factor;
      return a;
    }
  };
#endif
};

MASKRCNN_INLINE void store(float value, float* to) {
  *to = value;
}

// Rounds to nearest even, as c10::BFloat16 does, in a form that compilers vectorise.
MASKRCNN_INLINE void store(float value, c10::BFloat16* to) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  to->x = static_cast<uint16_t>(value != value ? 0x7fc0 : rounded);
}

template <int64_t lanes>
struct Lanes {
  using Numbers = typename Vector<lanes>::Type;

  static MASKRCNN_INLINE Numbers read(const float* from) {
    Numbers numbers;
    std::memcpy(&numbers, from, sizeof(numbers));
    return numbers;
  }

  static MASKRCNN_INLINE void write(const Numbers& numbers, float* to) {
    std::memcpy(to, &numbers, sizeof(numbers));
  }

  static MASKRCNN_INLINE Numbers read(const c10::BFloat16* from) {
    uint32_t bits[lanes];
    for (int64_t i = 0; i < lanes; ++i) bits[i] = static_cast<uint32_t>(from[i].x) << 16;
    Numbers numbers;
    std::memcpy(&numbers, bits, sizeof(numbers));
    return numbers;
  }

  static MASKRCNN_INLINE void write(const Numbers& numbers, c10::BFloat16* to) {
    float values[lanes];
    write(numbers, values);
    for (int64_t i = 0; i < lanes; ++i) store(values[i], to + i);
  }

  // Negative numbers become 0.
  static MASKRCNN_INLINE Numbers positive(const Numbers& given) {
    Numbers numbers = given;
    for (int64_t i = 0; i < lanes; ++i) numbers[i] = numbers[i] < 0 ? 0 : numbers[i];
    return numbers;
  }
};

}  // namespace maskrcnn::ops
