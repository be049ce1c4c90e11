#!/usr/bin/env bash
# A mask turned to a polygon by OpenCV comes back smaller from pycocotools.
#
# One would guess: findContours gives the outline of a mask, a COCO polygon is
# an outline, so the round trip gives back the mask, save for a pixel or two.
#
# What really happens: findContours lists the centres of the border's pixels,
# named by integers: a square of 10 pixels goes from 10 to 19. pycocotools takes
# the same numbers as lines between pixels, so it fills 9 x 9. The last row and
# the last column are gone: 81 of 100 pixels; of a strip of 2 x 30 less than
# half is left. OpenCV and Pillow fill the border too, so a check with either
# of them shows a perfect round trip. A shift of the points by half a pixel
# does not help: the polygon stays too small.
#
# Why a user of an instance-segmentation tool cares: this is the usual way to
# make COCO annotations from masks. Perfect masks are then scored against the
# smaller ones. An object 10 pixels wide has an IoU of 0.81 with itself, so it
# fails all thresholds from 0.85 on. Write run-lengths instead, or trace the
# edges of the pixels.
#
# Versions: opencv-python-headless 4.14.0.94, pycocotools 2.0.11, Pillow 12.3.0,
# numpy 2.4.6. Needs Python 3.11 or newer.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m pip install -qq --retries 0 --disable-pip-version-check --no-compile \
  --target "$dir/packages" opencv-python-headless==4.14.0.94 \
  pycocotools==2.0.11 pillow==12.3.0 numpy==2.4.6

PYTHONPATH="$dir/packages" python3 - <<'PY'
from importlib.metadata import version

import cv2
import numpy as np
from PIL import Image, ImageDraw
from pycocotools import mask as rle

for name in ("opencv-python-headless", "pycocotools", "pillow", "numpy"):
    print(name, version(name), end="  ")
print()

SIZE = 150


def square(height, width):
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[10:10 + height, 10:10 + width] = 1
    return mask


def in_coco(points):
    ring = points.astype(float).ravel().tolist()
    return rle.decode(rle.frPyObjects([ring], SIZE, SIZE))[..., 0]


def iou(a, b):
    return round(float((a & b).sum() / (a | b).sum()), 3)


y, x = np.mgrid[:SIZE, :SIZE]
disk = ((x - 70) ** 2 + (y - 70) ** 2 <= 25).astype(np.uint8)
cases = [  # mask, pixels, pixels after the round trip, IoU of the two
    ("square 10 x 10", square(10, 10), 100, 81, 0.81),
    ("strip 2 x 30", square(2, 30), 60, 29, 0.483),
    ("disk of radius 5", disk, 81, 66, 0.75),
    ("square 100 x 100", square(100, 100), 10000, 9801, 0.98),
]
for name, mask, pixels, left, overlap in cases:
    contours, _ = cv2.findContours(
        mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = contours[0].reshape(-1, 2)
    opencv = cv2.fillPoly(np.zeros_like(mask), contours, 1)
    image = Image.new("L", (SIZE, SIZE))
    ImageDraw.Draw(image).polygon(points.ravel().tolist(), fill=1, outline=1)
    coco = in_coco(points)
    shifted = in_coco(points + 0.5)
    print(f"{name}: mask {mask.sum()}, OpenCV {opencv.sum()}, "
          f"Pillow {np.asarray(image).sum()}, pycocotools {coco.sum()} "
          f"(shifted by a half {shifted.sum()}), IoU {iou(mask, coco)}")
    assert mask.sum() == pixels
    assert (opencv == mask).all() and (np.asarray(image) == mask).all()
    assert coco.sum() == shifted.sum() == left
    assert iou(mask, coco) == overlap
print("As stated.")
PY
