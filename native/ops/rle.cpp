#include "ops/rle.h"

#include <algorithm>
#include <cstring>

#include "torch.h"

namespace maskrcnn::ops {
namespace {

// A character holds 5 bits of a number, lowest first, and a flag that more follow; the top bit of
// the last character is the sign. Printable, starting at '0'.
constexpr int kBits = 5;
constexpr int64_t kPayload = 0x1f, kSign = 0x10, kMore = 0x20, kFirstCharacter = 48;
constexpr size_t kLongestNumber = 8;  // characters; 40 bits, more than any number of pixels

// Collects run lengths, the first of which is of 0.
class RunList {
 public:
  void add(bool value, int64_t length) {
    if (length == 0) return;
    if (value != last_value_) {
      lengths_.push_back(0);
      last_value_ = value;
    }
    lengths_.back() += length;
  }
  const std::vector<int64_t>& lengths() const { return lengths_; }

 private:
  bool last_value_ = false;
  std::vector<int64_t> lengths_{0};
};

// From the third length on, the difference to the one before the last is stored.
bool is_difference(size_t index) {
  return index > 2;
}

std::string pack(const std::vector<int64_t>& lengths) {
  std::string text;
  for (size_t i = 0; i < lengths.size(); ++i) {
    int64_t rest = is_difference(i) ? lengths[i] - lengths[i - 2] : lengths[i];
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

std::vector<int64_t> unpack(const std::string& text, int64_t pixels) {
  std::vector<int64_t> lengths;
  int64_t total = 0;
  for (size_t i = 0; i < text.size();) {
    int64_t number = 0, character = kMore;
    const size_t start = i;
    while ((character & kMore) != 0) {
      TORCH_CHECK(
          i < text.size() && i - start < kLongestNumber,
          "The run lengths end in the middle of a number, or hold one that is too long, at "
          "character ",
          start,
          ".");
      character = static_cast<unsigned char>(text[i]) - kFirstCharacter;
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
    if (is_difference(lengths.size())) number += lengths[lengths.size() - 2];
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
    lengths.push_back(number);
  }
  TORCH_CHECK(total == pixels, "Run lengths must add up to ", pixels, " pixels, got ", total, ".");
  return lengths;
}

}  // namespace

std::string rle_encode(
    const uint8_t* bitmap,
    int64_t left,
    int64_t top,
    int64_t width,
    int64_t height,
    int64_t image_width,
    int64_t image_height) {
  TORCH_CHECK(
      left >= 0 && top >= 0 && width >= 0 && height >= 0 && left + width <= image_width &&
          top + height <= image_height,
      "rle_encode: the crop must lie inside the image of ",
      image_width,
      " x ",
      image_height,
      " pixels, got left ",
      left,
      ", top ",
      top,
      ", width ",
      width,
      ", height ",
      height);
  RunList runs;
  if (width == 0 || height == 0) {
    runs.add(false, image_width * image_height);
    return pack(runs.lengths());
  }
  runs.add(false, left * image_height);
  // Columns are turned into rows some at a time, so that both sides stay in the cache.
  constexpr int64_t kStrip = 32;
  std::vector<uint8_t> strip(kStrip * height);
  for (int64_t first = 0; first < width; first += kStrip) {
    const auto count = std::min(kStrip, width - first);
    for (int64_t y = 0; y < height; ++y) {
      const uint8_t* row = bitmap + y * width + first;
      for (int64_t x = 0; x < count; ++x) strip[x * height + y] = row[x] != 0 ? 1 : 0;
    }
    for (int64_t x = 0; x < count; ++x) {
      runs.add(false, top);
      const uint8_t* pixel = strip.data() + x * height;
      const uint8_t* end = pixel + height;
      while (pixel < end) {
        const uint8_t value = *pixel;
        const auto* change =
            static_cast<const uint8_t*>(std::memchr(pixel, value == 0 ? 1 : 0, end - pixel));
        if (change == nullptr) change = end;
        runs.add(value != 0, change - pixel);
        pixel = change;
      }
      runs.add(false, image_height - top - height);
    }
  }
  runs.add(false, (image_width - left - width) * image_height);
  return pack(runs.lengths());
}

std::vector<uint8_t> rle_decode(const std::string& counts, int64_t width, int64_t height) {
  TORCH_CHECK(
      width >= 0 && height >= 0,
      "rle_decode: the size must not be negative, got ",
      width,
      " x ",
      height);
  const auto lengths = unpack(counts, width * height);
  std::vector<uint8_t> bitmap(width * height, 0);
  int64_t position = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const auto end = position + lengths[i];
    if (i % 2 == 1) {
      for (; position < end; ++position) {
        bitmap[position % height * width + position / height] = 1;
      }
    }
    position = end;
  }
  return bitmap;
}

}  // namespace maskrcnn::ops
