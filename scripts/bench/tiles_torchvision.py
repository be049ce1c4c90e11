"""
The peer of one case of bench-tiles.ts: sliced inference as SAHI describes it (Akyon et al., "Slicing aided hyper
inference and fine-tuning for small object detection", 2022) around torchvision. The image is decoded as a whole. Each
slice is predicted, and its objects are moved to where the slice is. In the end, greedy non-maximum merging joins
objects of one class whose boxes overlap in more than half of the smaller one. Argument: the case as JSON.

Kinder to the peer than whole-image masks: a mask is kept as the bitmap of its own box.
"""

import json
import pathlib
import resource
import statistics
import sys
import time

import numpy
import safetensors.torch
import torch
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "fixtures"))
from network import build  # noqa: E402

Image.MAX_IMAGE_PIXELS = None
case = json.loads(sys.argv[1])
size, overlap = case["size"], case["overlap"]
model = build(case["options"])
model.load_state_dict(safetensors.torch.load_file(case["weights"]), strict=True)
model.eval()
if case["channelsLast"]:
    model.to(memory_format=torch.channels_last)


@torch.inference_mode()
def predict(pixels):
    image = torch.from_numpy(numpy.ascontiguousarray(pixels)).permute(2, 0, 1).float().div(255)
    with torch.autocast("cpu", torch.bfloat16, enabled=case["precision"] == "bfloat16"):
        (found,) = model([image])
    return found


def starts(length):
    stride = size - overlap
    return sorted({min(at, max(0, length - size)) for at in range(0, max(1, length - overlap), stride)})


def objects_of(found, left, top):
    masks = found["masks"][:, 0] >= 0.5
    for box, label, score, mask in zip(found["boxes"].tolist(), found["labels"].tolist(), found["scores"].tolist(), masks):
        rows, columns = torch.where(mask)
        if len(rows) == 0:
            continue
        y0, y1, x0, x1 = rows.min().item(), rows.max().item() + 1, columns.min().item(), columns.max().item() + 1
        yield {
            "box": numpy.array([box[0] + left, box[1] + top, box[2] + left, box[3] + top]),
            "label": label,
            "score": score,
            "left": x0 + left,
            "top": y0 + top,
            "mask": mask[y0:y1, x0:x1].numpy().copy(),
        }


def union(a, b):
    left, top = min(a["left"], b["left"]), min(a["top"], b["top"])
    right = max(one["left"] + one["mask"].shape[1] for one in (a, b))
    bottom = max(one["top"] + one["mask"].shape[0] for one in (a, b))
    mask = numpy.zeros((bottom - top, right - left), bool)
    for one in (a, b):
        height, width = one["mask"].shape
        mask[one["top"] - top :, one["left"] - left :][:height, :width] |= one["mask"]
    box = numpy.concatenate([numpy.minimum(a["box"][:2], b["box"][:2]), numpy.maximum(a["box"][2:], b["box"][2:])])
    return {**a, "box": box, "left": left, "top": top, "mask": mask, "score": max(a["score"], b["score"])}


def merged(objects):
    kept = []
    for label in {one["label"] for one in objects}:
        rest = sorted((one for one in objects if one["label"] == label), key=lambda one: -one["score"])
        boxes = numpy.array([one["box"] for one in rest])
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        alive = numpy.ones(len(rest), bool)
        for i, one in enumerate(rest):
            if not alive[i]:
                continue
            alive[i] = False
            near = numpy.flatnonzero(alive)
            low = numpy.maximum(boxes[near, :2], boxes[i, :2])
            high = numpy.minimum(boxes[near, 2:], boxes[i, 2:])
            shared = numpy.prod(numpy.clip(high - low, 0, None), axis=1)
            for j in near[shared > 0.5 * numpy.minimum(areas[near], areas[i])]:
                one = union(one, rest[j])
                alive[j] = False
            kept.append(one)
    return kept


with Image.open(case["image"]) as opened:
    tile = numpy.asarray(opened.crop((0, 0, min(size, opened.width), min(size, opened.height))))
plain = []
for i in range(6):
    began = time.perf_counter()
    predict(tile)
    if i > 0:
        plain.append(time.perf_counter() - began)

began = time.perf_counter()
with Image.open(case["image"]) as opened:
    image = numpy.asarray(opened.convert("RGB"))
height, width = image.shape[:2]
objects, tiles, blank = [], 0, 0
for top in starts(height):
    for left in starts(width):
        tiles += 1
        pixels = image[top : top + size, left : left + size]
        if case["skipBlank"] and (pixels == pixels[0, 0]).all():
            blank += 1
            continue
        objects.extend(objects_of(predict(pixels), left, top))
objects = merged(objects) if objects else []
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
report = {"tiles": tiles, "blank": blank, "objects": len(objects), "seconds": seconds}
print(json.dumps({**report, "plainSeconds": statistics.median(plain), "peakMiB": peak}))
