#include <array>

#include "aten.h"
#include "masks/rle.h"
#include "masks/run_list.h"

// The text form of run lengths: pack_runs and unpack_runs of rle.h.

namespace maskrcnn::ops {
namespace {

// A character holds 5 bits of a number, lowest bits first, and a flag that says whether more
// follow. The top bit of the last character is the sign. '0' is added to make the characters
// printable.
constexpr int kBits = 5;
constexpr int64_t kPayload = 0x1f, kSign = 0x10, kMore = 0x20, kFirstCharacter = 48;
constexpr size_t kLongestNumber = 8;  // characters; 40 bits, enough for any number of pixels

// From the fourth length on, the text holds the difference from the length two before.
bool is_difference(size_t index) {
  return index > 2;
}

}  // namespace

std::string pack_runs(const Runs& runs) {
  std::string text;
  const auto& lengths = runs.lengths;
  for (size_t i = 0; i < lengths.size(); ++i) {
    int64_t rest = lengths[i];
    if (is_difference(i)) rest -= lengths[i - 2];
    bool more = true;
    while (more) {
      int64_t character = rest & kPayload;
      rest >>= kBits;
      more = (character & kSign) != 0 ? rest != -1 : rest != 0;
      if (more) character |= kMore;
      text.push_back(static_cast<char>(character + kFirstCharacter));
    }
  }
  return text;
}

Runs unpack_runs(std::string_view counts, int64_t width, int64_t height) {
  const auto pixels = width * height;
  RunList runs;
  int64_t total = 0;
  std::array<int64_t, 2>
      before{};  // lengths of the last two numbers, indexed by the parity of their index
  size_t index = 0;
  for (size_t i = 0; i < counts.size(); ++index) {
    int64_t number = 0, character = kMore;
    const size_t start = i;
    while ((character & kMore) != 0) {
      TORCH_CHECK(
          i < counts.size() && i - start < kLongestNumber,
          "The run lengths end in the middle of a number, or hold one that is too long, at "
          "character ",
          start,
          ".");
      character = static_cast<unsigned char>(counts[i]) - kFirstCharacter;
      TORCH_CHECK(
          character >= 0 && character <= (kPayload | kMore),
          "Run lengths consist of the characters '0' to 'o', got code ",
          character + kFirstCharacter,
          " at character ",
          i,
          ".");
      number |= (character & kPayload) << (kBits * (i - start));
      ++i;
    }
    if ((character & kSign) != 0) number -= int64_t{1} << (kBits * (i - start));
    if (is_difference(index)) number += before[index % 2];
    before[index % 2] = number;
    total += number;
    TORCH_CHECK(
        number >= 0 && total <= pixels,
        "Run lengths must be those of ",
        pixels,
        " pixels, got a run of ",
        number,
        " at character ",
        start,
        ".");
    runs.add(index % 2 == 1, number);
  }
  TORCH_CHECK(total == pixels, "Run lengths must add up to ", pixels, " pixels, got ", total, ".");
  return {width, height, runs.take()};
}

}  // namespace maskrcnn::ops
