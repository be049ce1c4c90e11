#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace maskrcnn::ops {

// COCO's compressed run lengths of an image that is 0 outside of the crop, character for character
// those of pycocotools: lengths of runs of 0 and 1 in turn, down the columns, packed as in
// cocoapi's common/maskApi.c. Any byte of `bitmap` but 0 counts as 1. A whole image is the crop
// (0, 0, image_width, image_height); the crop must lie inside the image.
std::string rle_encode(
    const uint8_t* bitmap,  // width * height, in reading order
    int64_t left,
    int64_t top,
    int64_t width,
    int64_t height,
    int64_t image_width,
    int64_t image_height);

// Back to a bitmap of 0 and 1 in reading order. Throws c10::Error where the text is malformed or
// its lengths do not add up to width * height.
std::vector<uint8_t> rle_decode(const std::string& counts, int64_t width, int64_t height);

}  // namespace maskrcnn::ops
