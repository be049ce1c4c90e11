#include "masks/instance_map.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace maskrcnn::ops {
namespace {

struct Rect {
  int64_t left, top, width, height;
};

Rect rect_of(const MaskSpans& masks, size_t instance) {
  const auto* rect = masks.rects.data() + 4 * instance;
  return {rect[0], rect[1], rect[2], rect[3]};
}

bool overlaps(
    const std::vector<uint32_t>& plane,
    int64_t plane_width,
    const Rect& rect,
    const uint8_t* mask) {
  for (int64_t y = 0; y < rect.height; ++y) {
    const auto* row = plane.data() + (rect.top + y) * plane_width + rect.left;
    for (int64_t x = 0; x < rect.width; ++x) {
      if (mask[y * rect.width + x] != 0 && row[x] != 0) return true;
    }
  }
  return false;
}

int32_t paint(
    std::vector<uint32_t>& plane,
    int64_t plane_width,
    const Rect& rect,
    const uint8_t* mask,
    uint32_t id) {
  int32_t area = 0;
  for (int64_t y = 0; y < rect.height; ++y) {
    auto* row = plane.data() + (rect.top + y) * plane_width + rect.left;
    for (int64_t x = 0; x < rect.width; ++x) {
      if (mask[y * rect.width + x] == 0) continue;
      row[x] = id;
      ++area;
    }
  }
  return area;
}

}  // namespace

InstancePlanes::InstancePlanes(const MaskSpans& masks, int64_t width, int64_t height) {
  const uint8_t* mask = masks.data.data();
  for (size_t i = 0; i < masks.rects.size() / 4; ++i) {
    const auto rect = rect_of(masks, i);
    auto free = std::find_if(planes_.begin(), planes_.end(), [&](const auto& plane) {
      return !overlaps(plane, width, rect, mask);
    });
    if (free == planes_.end()) {
      planes_.emplace_back(width * height, uint32_t{0});
      free = planes_.end() - 1;
    }
    areas_.push_back(paint(*free, width, rect, mask, static_cast<uint32_t>(i + 1)));
    mask += rect.width * rect.height;
  }
}

struct MaskCollector::Extent {
  int64_t left = std::numeric_limits<int64_t>::max(), top = left;
  int64_t right = 0, bottom = 0;  // exclusive
  int32_t area = 0;
  size_t plane = 0;
};

MaskCollector::MaskCollector(const InstancePlanes& planes, int64_t width, int64_t height)
    : planes_(planes),
      width_(width),
      height_(height),
      pieces_(planes.size(), std::vector<uint32_t>(width * height, 0)),
      parents_(planes.areas().size() + 1),
      ids_(parents_.size()) {
  std::iota(parents_.begin(), parents_.end(), 0u);
  std::iota(ids_.begin(), ids_.end(), uint32_t{0});
}

size_t MaskCollector::PieceHash::operator()(const Piece& piece) const {
  const auto tile = (static_cast<uint64_t>(static_cast<uint32_t>(piece.tile.x)) << 32) |
                    static_cast<uint32_t>(piece.tile.y);
  return std::hash<uint64_t>{}((tile * 0x9e3779b97f4a7c15u) ^ piece.id);
}

uint32_t MaskCollector::mirrored_piece(uint32_t id, Tile tile) {
  const Piece piece{id, tile};
  if (piece == last_) return last_number_;
  const auto [found, is_new] = mirrored_.try_emplace(piece, static_cast<uint32_t>(ids_.size()));
  if (is_new) {
    parents_.push_back(found->second);
    ids_.push_back(id);
  }
  last_ = piece;
  last_number_ = found->second;
  return last_number_;
}

uint32_t MaskCollector::root(uint32_t piece) {
  while (parents_[piece] != piece) piece = parents_[piece] = parents_[parents_[piece]];
  return piece;
}

// Joins touching pieces of one instance. Diagonal neighbours touch.
void MaskCollector::join_neighbours(const std::vector<uint32_t>& plane) {
  for (int64_t y = 0; y < height_; ++y) {
    for (int64_t x = 0; x < width_; ++x) {
      const auto* here = plane.data() + y * width_ + x;
      if (*here == 0) continue;
      const auto join = [&](uint32_t other) {
        if (other == 0 || other == *here || ids_[other] != ids_[*here]) return;
        const auto a = root(*here), b = root(other);
        parents_[std::max(a, b)] = std::min(a, b);
      };
      if (x > 0) join(here[-1]);
      if (y == 0) continue;
      join(here[-width_]);
      if (x > 0) join(here[-width_ - 1]);
      if (x + 1 < width_) join(here[-width_ + 1]);
    }
  }
}

// Returns the extent of each piece that is its own root.
std::vector<MaskCollector::Extent> MaskCollector::measure() {
  std::vector<Extent> extents(parents_.size());
  for (size_t p = 0; p < pieces_.size(); ++p) {
    for (int64_t y = 0; y < height_; ++y) {
      const auto* row = pieces_[p].data() + y * width_;
      for (int64_t x = 0; x < width_; ++x) {
        if (row[x] == 0) continue;
        auto& extent = extents[root(row[x])];
        extent.left = std::min(extent.left, x);
        extent.right = std::max(extent.right, x + 1);
        extent.top = std::min(extent.top, y);
        extent.bottom = y + 1;
        extent.plane = p;
        ++extent.area;
      }
    }
  }
  return extents;
}

ResampledMasks MaskCollector::collect() {
  if (!mirrored_.empty()) {
    for (const auto& plane : pieces_) join_neighbours(plane);
  }
  const auto extents = measure();
  std::vector<uint32_t> present;
  for (uint32_t piece = 1; piece < extents.size(); ++piece) {
    if (extents[piece].area > 0) present.push_back(piece);
  }
  std::stable_sort(
      present.begin(), present.end(), [&](uint32_t a, uint32_t b) { return ids_[a] < ids_[b]; });

  ResampledMasks masks;
  for (const auto piece : present) {
    const auto& extent = extents[piece];
    const auto source = ids_[piece] - 1;
    masks.sources.push_back(source);
    masks.source_areas.push_back(planes_.areas()[source]);
    masks.areas.push_back(extent.area);
    for (const auto value :
         {extent.left, extent.top, extent.right - extent.left, extent.bottom - extent.top}) {
      masks.rects.push_back(static_cast<int32_t>(value));
    }
    for (auto y = extent.top; y < extent.bottom; ++y) {
      const auto* row = pieces_[extent.plane].data() + y * width_;
      for (auto x = extent.left; x < extent.right; ++x) {
        masks.data.push_back(row[x] != 0 && root(row[x]) == piece);
      }
    }
  }
  return masks;
}

}  // namespace maskrcnn::ops
