#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maskrcnn::ops {

// A mask as lengths of runs of 0 and 1 in turn, down the columns, the first of 0. No run but the
// first is empty, and together they are width * height pixels, of which there are at most 2^31.
struct Runs {
  int64_t width, height;
  std::vector<uint32_t> lengths;
};

// Of an image that is 0 outside of the crop. Any byte of `bitmap` but 0 counts as 1. A whole image
// is the crop (0, 0, image_width, image_height); the crop must lie inside the image.
Runs encode_runs(
    const uint8_t* bitmap,  // width * height, in reading order
    int64_t left,
    int64_t top,
    int64_t width,
    int64_t height,
    int64_t image_width,
    int64_t image_height);

// From lengths that may hold empty runs. Throws c10::Error where they do not add up.
Runs to_runs(const std::vector<uint32_t>& lengths, int64_t width, int64_t height);

// COCO's compressed run lengths, character for character those of pycocotools: packed as in
// cocoapi's common/maskApi.c.
std::string pack_runs(const Runs& runs);

// Throws c10::Error where the text is malformed or its lengths do not add up to width * height.
Runs unpack_runs(std::string_view counts, int64_t width, int64_t height);

// A part of a mask: 1 is the object, in reading order.
struct Crop {
  int64_t left, top, width, height;
  std::vector<uint8_t> bitmap;
};

// All of the mask.
std::vector<uint8_t> decode_runs(const Runs& runs);
// The box around its object.
Crop crop_runs(const Runs& runs);

int64_t area_of(const Runs& runs);

// left, top, width and height of the box around the object, in pixels; zeros where there is none.
std::array<int64_t, 4> box_of(const Runs& runs);

// Union, or intersection, of masks of one size, of which there must be one at least.
Runs merge_runs(const std::vector<Runs>& masks, bool intersect);

// The number of pixels that two masks of one size share.
int64_t shared_area(const Runs& a, const Runs& b);

}  // namespace maskrcnn::ops
