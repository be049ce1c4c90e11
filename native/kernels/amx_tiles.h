#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define MASKRCNN_AMX

#include <immintrin.h>

#include <cstdint>
#include <utility>

#include "kernels/lanes.h"

// The tile registers of AMX (Intel, "Architectures Software Developer's Manual", volume 1,
// chapter 18): eight squares of 1 KB, numbered when the program is compiled. A tile of sums is
// 16 x 16 float32. The left operand of a product has 16 rows of 32 bfloat16; the right one has
// 16 rows of 16 pairs, where pair (i,j) holds the numbers of column j in rows 2i and 2i + 1.

#define MASKRCNN_AMX_TARGET __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw")))
#define MASKRCNN_AMX_INLINED \
  __attribute__((always_inline, target("amx-tile,amx-bf16,avx512f,avx512bw")))

namespace maskrcnn::ops {

constexpr int64_t kTileRows = 16;   // of each tile, and columns of a tile of sums
constexpr int64_t kTileDepth = 32;  // numbers that a product of tiles sums up
constexpr int64_t kTileSums = kTileRows * kTileRows;

// GCC before version 14 does not know that the instructions of tiles read and write memory.
inline void keep_order() {
  __asm__ volatile("" ::: "memory");
}

// While an object of this class is alive, this thread's tiles have these sizes. Other libraries
// choose theirs before they use tiles, but may remember what they chose, so it is restored.
class TileScope {
 public:
  MASKRCNN_AMX_TARGET TileScope() {
    _tile_storeconfig(&before_);
    keep_order();
    Sizes sizes{};
    sizes.palette = 1;
    for (int tile = 0; tile < 8; ++tile) {
      sizes.row_bytes[tile] = 64;
      sizes.rows[tile] = kTileRows;
    }
    keep_order();
    _tile_loadconfig(&sizes);
  }
  MASKRCNN_AMX_TARGET ~TileScope() { _tile_loadconfig(&before_); }
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;

 private:
  struct alignas(64) Sizes {
    uint8_t palette, first_row;
    uint8_t reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  };
  Sizes before_;
};

// The operands of products are in tiles 6 and 7, sums in the others.
constexpr int kLeftTile = 6, kRightTile = 7;

// The instructions take the number of a tile from the text of the program.
#define MASKRCNN_FOR_TILE(tile, number, ...) \
  if constexpr (tile == number) __VA_ARGS__
#define MASKRCNN_FOR_SUMS(tile, instruction, ...)                        \
  MASKRCNN_FOR_TILE(tile, 0, instruction(0 __VA_OPT__(, ) __VA_ARGS__)); \
  MASKRCNN_FOR_TILE(tile, 1, instruction(1 __VA_OPT__(, ) __VA_ARGS__)); \
  MASKRCNN_FOR_TILE(tile, 2, instruction(2 __VA_OPT__(, ) __VA_ARGS__)); \
  MASKRCNN_FOR_TILE(tile, 3, instruction(3 __VA_OPT__(, ) __VA_ARGS__)); \
  MASKRCNN_FOR_TILE(tile, 4, instruction(4 __VA_OPT__(, ) __VA_ARGS__)); \
  MASKRCNN_FOR_TILE(tile, 5, instruction(5 __VA_OPT__(, ) __VA_ARGS__))

template <int tile>
MASKRCNN_AMX_INLINED inline void clear_tile() {
  MASKRCNN_FOR_SUMS(tile, _tile_zero);
}

// Rows are `stride` bytes apart.
template <int tile>
MASKRCNN_AMX_INLINED inline void load_tile(const void* from, int64_t stride) {
  MASKRCNN_FOR_SUMS(tile, _tile_loadd, from, stride);
  MASKRCNN_FOR_TILE(tile, kLeftTile, _tile_loadd(6, from, stride));
  MASKRCNN_FOR_TILE(tile, kRightTile, _tile_loadd(7, from, stride));
}

template <int tile>
MASKRCNN_AMX_INLINED inline void store_tile(void* to, int64_t stride) {
  MASKRCNN_FOR_SUMS(tile, _tile_stored, to, stride);
}

// tile += left · right
template <int tile>
MASKRCNN_AMX_INLINED inline void multiply_tiles() {
  MASKRCNN_FOR_SUMS(tile, _tile_dpbf16ps, 6, 7);
}

// Calls work(std::integral_constant<int, i>()) for i = 0..count - 1.
template <int count, typename Work>
MASKRCNN_AMX_INLINED inline void for_constants(const Work& work) {
  [&]<int... i>(std::integer_sequence<int, i...>) MASKRCNN_AMX_INLINED {
    (work(std::integral_constant<int, i>()), ...);
  }
  (std::make_integer_sequence<int, count>());
}

}  // namespace maskrcnn::ops

#endif
