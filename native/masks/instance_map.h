#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace maskrcnn::ops {

// Bitmaps, each cropped to a rectangle (left, top, width, height) of its image and stored one after
// the other. NativeTarget in binding.d.ts has the same form.
struct MaskSpans {
  std::span<const int32_t> rects;  // 4 per instance
  std::span<const uint8_t> data;
};

// Instances after the image was resampled.
struct ResampledMasks {
  std::vector<int32_t> sources;       // index of the original instance
  std::vector<int32_t> source_areas;  // pixels of the original instance
  std::vector<int32_t> areas;         // pixels
  std::vector<int32_t> rects;
  std::vector<uint8_t> data;
};

// The instances of an image as planes of numbers: 0 is background, i + 1 is instance i. Instances
// that do not overlap share a plane, so there are few planes.
class InstancePlanes {
 public:
  InstancePlanes(const MaskSpans& masks, int64_t width, int64_t height);

  size_t size() const { return planes_.size(); }
  const uint32_t* plane(size_t index) const { return planes_[index].data(); }
  const std::vector<int32_t>& areas() const { return areas_; }

 private:
  std::vector<std::vector<uint32_t>> planes_;  // [width * height] each
  std::vector<int32_t> areas_;
};

// The mirror image of the plane that a pixel comes from. (0, 0) is the plane itself.
struct Tile {
  int32_t x = 0, y = 0;
  bool operator==(const Tile&) const = default;
};

// Collects the masks of resampled instances. A reflecting border repeats parts of an instance. A
// repeated part that touches the instance belongs to it (the border cuts that object). A repeated
// part that does not touch it becomes a new instance.
class MaskCollector {
 public:
  MaskCollector(const InstancePlanes& planes, int64_t width, int64_t height);

  // Pixel `index` of the result shows instance number `id` of plane `plane`, seen in mirror image
  // `tile`.
  void set(size_t plane, int64_t index, uint32_t id, Tile tile) {
    if (id == 0) return;
    pieces_[plane][index] = tile == Tile{} ? id : mirrored_piece(id, tile);
  }

  ResampledMasks collect();

 private:
  struct Piece {
    uint32_t id;
    Tile tile;
    bool operator==(const Piece&) const = default;
  };
  struct PieceHash {
    size_t operator()(const Piece& piece) const;
  };
  struct Extent;

  uint32_t mirrored_piece(uint32_t id, Tile tile);
  uint32_t root(uint32_t piece);
  void join_neighbours(const std::vector<uint32_t>& plane);
  std::vector<Extent> measure();

  const InstancePlanes& planes_;
  int64_t width_, height_;
  std::vector<std::vector<uint32_t>>
      pieces_;                     // per plane; 0: none; 1 to the number of instances: not mirrored
  std::vector<uint32_t> parents_;  // union-find over pieces
  std::vector<uint32_t> ids_;      // per piece
  std::unordered_map<Piece, uint32_t, PieceHash> mirrored_;
  Piece last_{0, {}};
  uint32_t last_number_ = 0;
};

}  // namespace maskrcnn::ops
