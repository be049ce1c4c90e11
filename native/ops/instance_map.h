#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace maskrcnn::ops {

// Bitmaps, each cropped to a rectangle (left, top, width, height) of its image; the bitmap of one
// follows that of the one before. The form of NativeTarget in binding.d.ts.
struct MaskSpans {
  std::span<const int32_t> rects;  // 4 of each instance
  std::span<const uint8_t> data;
};

// Instances after an image was resampled.
struct ResampledMasks {
  std::vector<int32_t> sources;       // index of the instance that each came from
  std::vector<int32_t> source_areas;  // that one's pixels
  std::vector<int32_t> areas;         // pixels
  std::vector<int32_t> rects;
  std::vector<uint8_t> data;
};

// The instances of an image, in as few planes of numbers as they can share without overlapping.
// 0: none; i + 1: instance i.
class InstancePlanes {
 public:
  InstancePlanes(const MaskSpans& masks, int64_t width, int64_t height);

  size_t size() const { return planes_.size(); }
  const uint16_t* plane(size_t index) const { return planes_[index].data(); }
  const std::vector<int32_t>& areas() const { return areas_; }

 private:
  std::vector<std::vector<uint16_t>> planes_;  // [width * height] each
  std::vector<int32_t> areas_;
};

// Which mirror image of the plane a pixel comes from: (0, 0) is the plane itself.
struct Tile {
  int32_t x = 0, y = 0;
  bool operator==(const Tile&) const = default;
};

// Gathers the masks of resampled instances. What a reflecting border repeats of an instance belongs
// to it where it touches it (an object that the border cuts), and is an instance of its own where
// it does not.
class MaskCollector {
 public:
  MaskCollector(const InstancePlanes& planes, int64_t width, int64_t height);

  // Pixel `index` of the result shows instance number `id` of plane `plane`, as seen in `tile`.
  void set(size_t plane, int64_t index, uint16_t id, Tile tile) {
    if (id == 0) return;
    pieces_[plane][index] = tile == Tile{} ? id : mirrored_piece(id, tile);
  }

  ResampledMasks collect();

 private:
  struct Piece {
    uint16_t id;
    Tile tile;
    bool operator==(const Piece&) const = default;
  };
  struct PieceHash {
    size_t operator()(const Piece& piece) const;
  };
  struct Extent;

  uint32_t mirrored_piece(uint16_t id, Tile tile);
  uint32_t root(uint32_t piece);
  void join_neighbours(const std::vector<uint32_t>& plane);
  std::vector<Extent> measure();

  const InstancePlanes& planes_;
  int64_t width_, height_;
  std::vector<std::vector<uint32_t>>
      pieces_;                     // per plane; 0: none; up to the count of instances: whole
  std::vector<uint32_t> parents_;  // union-find over pieces
  std::vector<uint16_t> ids_;      // per piece
  std::unordered_map<Piece, uint32_t, PieceHash> mirrored_;
  Piece last_{0, {}};
  uint32_t last_number_ = 0;
};

}  // namespace maskrcnn::ops
