#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluation/overlaps.h"

namespace maskrcnn::evaluation {

// Letters: I images, K classes, R objects.

// The objects of a data set, or the detections on it.
struct Objects {
  std::vector<int32_t> images;   // [R] 0..I-1
  std::vector<int32_t> classes;  // [R] 0..K-1
  std::vector<double> boxes;     // [R,4] left, top, width, height in pixels; optional with masks
  std::string masks;             // packed run lengths, one after the other; optional with boxes
  std::vector<int64_t> ends;     // [R] end of each mask in `masks`

  int64_t count() const { return static_cast<int64_t>(images.size()); }
};

struct Truth : Objects {
  std::vector<double> areas;  // [R] pixels; decides which area range an object is in
  std::vector<uint8_t>
      crowd;  // [R] 1: a region with many objects, which any number of detections may match
};

struct Detected : Objects {
  std::vector<double> scores;  // [R]
};

struct DataSet {
  int64_t classes;             // K
  std::vector<int32_t> sizes;  // [I,2] width, height
  Truth truth;
  Detected detected;
};

enum class Shape { Box, Mask };

// The rows of one image, or of one class in one image, in ascending order.
struct Cell {
  std::vector<int64_t> truth, detected;
};

struct Compared {
  Overlaps overlaps;          // of at least `least`
  std::vector<double> areas;  // [D] areas of the detections' masks or boxes
};

// Throws c10::Error if run lengths do not fit their image.
Compared compare(const DataSet& data, const Cell& cell, Shape shape, double least);

}  // namespace maskrcnn::evaluation
