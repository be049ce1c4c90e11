#pragma once

#include "kernels/amx_tiles.h"

#ifdef MASKRCNN_AMX

#include <c10/util/BFloat16.h>

// Channels-last maps in bfloat16 as the operands of AMX's products (amx_tiles.h).

namespace maskrcnn::ops {

// Rows of at least 32 numbers.
struct PixelRows {
  const c10::BFloat16* data;
  int64_t channels;

  MASKRCNN_AMX_INLINED __m512i read(int64_t pixel, int64_t channel) const {
    return pixel < 0 ? _mm512_setzero_si512()
                     : _mm512_loadu_si512(data + pixel * channels + channel);
  }
};

// The unmasked intrinsics pass a value without a definition, of which GCC 12 warns.
constexpr __mmask8 kAll8 = 0xff;
constexpr __mmask16 kAll16 = 0xffff;
constexpr __mmask32 kAll32 = 0xffffffff;

// Quarters of both: two of `a`, then two of `b`.
template <int which>
MASKRCNN_AMX_INLINED inline __m512i join_quarters(__m512i a, __m512i b) {
  return _mm512_maskz_shuffle_i64x2(kAll8, a, b, which);
}
constexpr int kFirstTwo = 0x44, kLastTwo = 0xee, kEven = 0x88, kOdd = 0xdd, kMiddleSwapped = 0xd8;

// Two rows of 32 numbers as pairs: those of columns 0 to 15, and of columns 16 to 31.
struct Pairs {
  __m512i low, high;
};

MASKRCNN_AMX_INLINED inline Pairs interleave(__m512i even, __m512i odd) {
  // Each quarter has pairs of its own 8 columns.
  const auto front = _mm512_maskz_unpacklo_epi16(kAll32, even, odd);
  const auto back = _mm512_maskz_unpackhi_epi16(kAll32, even, odd);
  const auto low = join_quarters<kFirstTwo>(front, back);
  const auto high = join_quarters<kLastTwo>(front, back);
  return {join_quarters<kMiddleSwapped>(low, low), join_quarters<kMiddleSwapped>(high, high)};
}

// A square of 16 x 16 pairs.
MASKRCNN_AMX_INLINED inline void transpose(__m512i (&rows)[16]) {
  __m512i half[16];
  for (int i = 0; i < 16; i += 2) {
    half[i] = _mm512_maskz_unpacklo_epi32(kAll16, rows[i], rows[i + 1]);
    half[i + 1] = _mm512_maskz_unpackhi_epi32(kAll16, rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    for (int j = 0; j < 2; ++j) {
      rows[i + 2 * j] = _mm512_maskz_unpacklo_epi64(kAll8, half[i + j], half[i + j + 2]);
      rows[i + 2 * j + 1] = _mm512_maskz_unpackhi_epi64(kAll8, half[i + j], half[i + j + 2]);
    }
  }
  for (int i = 0; i < 16; i += 8) {
    for (int j = i; j < i + 4; ++j) {
      half[j] = join_quarters<kEven>(rows[j], rows[j + 4]);
      half[j + 4] = join_quarters<kOdd>(rows[j], rows[j + 4]);
    }
  }
  for (int i = 0; i < 8; ++i) {
    rows[i] = join_quarters<kEven>(half[i], half[i + 8]);
    rows[i + 8] = join_quarters<kOdd>(half[i], half[i + 8]);
  }
}

}  // namespace maskrcnn::ops

#endif
