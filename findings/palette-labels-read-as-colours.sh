#!/usr/bin/env bash
# OpenCV's IMREAD_UNCHANGED changes a label image that has a palette.
#
# One would guess: a PNG with a palette holds the numbers 0, 1, 2. A reader that
# is told to leave the image unchanged gives these numbers, and a reader gives
# the same for the same pixels in PNG and in TIFF.
#
# What really happens: OpenCV looks the colours up, for PNG, BMP and TIFF alike,
# also with IMREAD_UNCHANGED: three channels in the order blue, green, red. As
# grey, in OpenCV and by Pillow's convert("L"), label 1 is 38 and label 2 is 75:
# the brightness of its colour. Two classes whose colours are equally bright
# become one. scikit-image gives colours for the PNG and labels for the TIFF.
# Only Pillow without a conversion, and tifffile, give the labels for all.
#
# Why a user of an instance-segmentation tool cares: Pascal VOC, DAVIS and many
# labelling tools store classes or objects in this way, with colours for the
# eye. Masks read as grey look right, and have wrong class numbers.
#
# Versions: opencv-python-headless 4.14.0.94, Pillow 12.3.0, scikit-image 0.26.0,
# tifffile 2026.3.3, numpy 2.4.6. Needs Python 3.11 or newer.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m pip install -qq --retries 0 --disable-pip-version-check --no-compile \
  --target "$dir/packages" opencv-python-headless==4.14.0.94 pillow==12.3.0 \
  scikit-image==0.26.0 tifffile==2026.3.3 numpy==2.4.6

PYTHONPATH="$dir/packages" python3 - <<'PY'
from importlib.metadata import version

import cv2
import numpy as np
import skimage.io
import tifffile
from PIL import Image

for name in ("opencv-python-headless", "pillow", "scikit-image", "tifffile"):
    print(name, version(name), end="  ")
print()

labels = np.repeat(np.arange(3, dtype=np.uint8), 4).reshape(1, 12).repeat(4, 0)


def write(path, colours):
    image = Image.frombytes("P", labels.shape[::-1], labels.tobytes())
    image.putpalette(sum(colours, []))
    image.save(path)


def values(pixels):
    flat = pixels.reshape(-1, *pixels.shape[2:])
    return np.unique(flat, axis=0).tolist()


black, red, green = [0, 0, 0], [128, 0, 0], [0, 128, 0]
for suffix in ("png", "bmp", "tif"):
    path = f"labels.{suffix}"
    write(path, [black, red, green])
    unchanged = values(cv2.imread(path, cv2.IMREAD_UNCHANGED))
    grey = values(cv2.imread(path, cv2.IMREAD_GRAYSCALE))
    pillow = values(np.asarray(Image.open(path)))
    pillow_grey = values(np.asarray(Image.open(path).convert("L")))
    scikit = values(skimage.io.imread(path))
    print(f"{path}: Pillow {pillow}, as L {pillow_grey}; OpenCV unchanged "
          f"{unchanged}, grey {grey}; scikit-image {scikit}")
    assert pillow == [0, 1, 2]
    assert pillow_grey == grey == [0, 38, 75]
    assert unchanged == [black, [0, 0, 128], [0, 128, 0]]
    colours = [black, green, red]  # sorted
    assert scikit == ([0, 1, 2] if suffix == "tif" else colours)
assert values(tifffile.imread("labels.tif")) == [0, 1, 2]

write("equal.png", [black, [100, 0, 0], [0, 51, 0]])
equal = values(cv2.imread("equal.png", cv2.IMREAD_GRAYSCALE))
print("two equally bright colours, read as grey:", equal)
assert len(equal) == 2 and equal[0] == 0  # of three labels
print("As stated.")
PY
