#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maskrcnn::ops {

// A mask as alternating lengths of runs of 0 and 1, in column-major order, starting with 0. Only
// the first run may be empty. The lengths sum to width * height, which is at most 2^31.
struct Runs {
  int64_t width, height;
  std::vector<uint32_t> lengths;
};

// Encodes an image that is 0 outside the crop. Every nonzero byte of `bitmap` counts as 1. For a
// whole image, the crop is (0, 0, image_width, image_height). The crop must lie inside the image.
Runs encode_runs(
    const uint8_t* bitmap,  // width * height, in row-major order
    int64_t left,
    int64_t top,
    int64_t width,
    int64_t height,
    int64_t image_width,
    int64_t image_height);

// Accepts empty runs. Throws c10::Error if the lengths do not add up to width * height.
Runs to_runs(const std::vector<uint32_t>& lengths, int64_t width, int64_t height);

// COCO's compressed run lengths, packed as in cocoapi's common/maskApi.c. The text is identical to
// that of pycocotools.
std::string pack_runs(const Runs& runs);

// Throws c10::Error if the text is malformed or its lengths do not add up to width * height.
Runs unpack_runs(std::string_view counts, int64_t width, int64_t height);

// A rectangle of a mask: 1 is the object, in row-major order.
struct Crop {
  int64_t left, top, width, height;
  std::vector<uint8_t> bitmap;
};

// Decodes the whole mask.
std::vector<uint8_t> decode_runs(const Runs& runs);
// Decodes the bounding box of the object.
Crop crop_runs(const Runs& runs);

int64_t area_of(const Runs& runs);

// Left, top, width and height of the object's bounding box, in pixels. Zeros if the mask is empty.
std::array<int64_t, 4> box_of(const Runs& runs);

// Union or intersection of one or more masks of the same size.
Runs merge_runs(const std::vector<Runs>& masks, bool intersect);

// What a mask shows of a rectangle of at least one pixel, whose first pixel is in column `left` and
// row `top` of the mask. Outside of the mask it is 0. Takes no bitmap: work and memory depend on
// the runs and columns of the mask.
Runs runs_within(const Runs& runs, int64_t left, int64_t top, int64_t width, int64_t height);

// The number of pixels in the intersection of two masks of the same size.
int64_t shared_area(const Runs& a, const Runs& b);

}  // namespace maskrcnn::ops
