#include "evaluation/objects.h"

#include "aten.h"

namespace maskrcnn::evaluation {
namespace {

ops::Runs mask_of(const DataSet& data, const Objects& objects, int64_t row) {
  const auto start = row == 0 ? 0 : objects.ends[row - 1];
  const auto image = objects.images[row];
  return ops::unpack_runs(
      std::string_view(objects.masks).substr(start, objects.ends[row] - start),
      data.sizes[2 * image],
      data.sizes[2 * image + 1]);
}

std::vector<ops::Runs> masks_of(
    const DataSet& data, const Objects& objects, const std::vector<int64_t>& rows) {
  std::vector<ops::Runs> masks;
  masks.reserve(rows.size());
  for (const auto row : rows) masks.push_back(mask_of(data, objects, row));
  return masks;
}

std::vector<const double*> boxes_of(const Objects& objects, const std::vector<int64_t>& rows) {
  std::vector<const double*> boxes;
  for (const auto row : rows) boxes.push_back(objects.boxes.data() + 4 * row);
  return boxes;
}

}  // namespace

Compared compare(const DataSet& data, const Cell& cell, Shape shape, double least) {
  std::vector<uint8_t> crowd;
  for (const auto row : cell.truth) crowd.push_back(data.truth.crowd[row]);
  Compared compared;
  if (shape == Shape::Mask) {
    const auto detected = masks_of(data, data.detected, cell.detected);
    for (const auto& mask : detected) {
      compared.areas.push_back(static_cast<double>(ops::area_of(mask)));
    }
    compared.overlaps =
        mask_overlaps(detected, masks_of(data, data.truth, cell.truth), crowd.data(), least);
  } else {
    const auto detected = boxes_of(data.detected, cell.detected);
    for (const auto* box : detected) compared.areas.push_back(box[2] * box[3]);
    compared.overlaps =
        box_overlaps(detected, boxes_of(data.truth, cell.truth), crowd.data(), least);
  }
  return compared;
}

}  // namespace maskrcnn::evaluation
