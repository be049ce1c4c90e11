#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace maskrcnn::evaluation {

// Letters: I images, K classes, R objects.

// The objects of a data set, or what was found on it.
struct Objects {
  std::vector<int32_t> images;   // [R] 0..I-1
  std::vector<int32_t> classes;  // [R] 0..K-1
  std::vector<double> boxes;  // [R,4] left, top, width, height in pixels; may be empty with masks
  std::string masks;          // packed run lengths, one after the other; may be empty with boxes
  std::vector<int64_t> ends;  // [R] where in `masks` each one ends

  int64_t count() const { return static_cast<int64_t>(images.size()); }
};

struct Truth : Objects {
  std::vector<double> areas;  // [R] pixels; what decides whether an object is small or large
  std::vector<uint8_t>
      crowd;  // [R] 1: a region of many objects, on which any number of detections may lie
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

// The rows of one image, or of one class on one image, in their order.
struct Cell {
  std::vector<int64_t> truth, detected;
};

struct Compared {
  std::vector<double> overlaps;  // [D,G] see overlaps.h
  std::vector<double> areas;     // [D] of the detections: the mask's pixels, or the box's
};

// Throws c10::Error where run lengths do not fit their image.
Compared compare(const DataSet& data, const Cell& cell, Shape shape);

}  // namespace maskrcnn::evaluation
