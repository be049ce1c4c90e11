"""
The torchvision side of one case of bench-objects.ts. Arguments: DIR MEMORY, the latter being the most bytes that the
process may take. Prints its least time, of the clock and of all threads, and its peak memory; or that the memory did
not suffice. Prediction and evaluation use pycocotools for run lengths and scores, as torchvision's references do.
"""

import json
import pathlib
import resource
import sys
import time

import numpy
import safetensors.torch
import torch
from pycocotools import mask as mask_util
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "fixtures"))
from network import build  # noqa: E402

RUNS, MOST_SECONDS = 3, 60  # as in objects-case.ts

folder = pathlib.Path(sys.argv[1])
case = json.loads((folder / "case.json").read_text())
side = case["side"]


def ellipse(size):
    away = numpy.arange(size) - (size - 1) / 2
    return (away[:, None] ** 2 + away[None] ** 2 <= (size / 2) ** 2).astype(numpy.uint8)


def masks_of(boxes):
    masks = torch.zeros(len(boxes), side, side, dtype=torch.uint8)
    for mask, (left, top, size) in zip(masks, boxes):
        mask[top : top + size, left : left + size] = torch.from_numpy(ellipse(size))
    return masks


def image():
    pixels = torch.full((3, side, side), 60 / 255)
    for left, top, size in case["boxes"]:
        pixels[:, top : top + size, left : left + size][:, torch.from_numpy(ellipse(size)) == 1] = 200 / 255
    return pixels


def network():
    model = build(case["options"])
    model.load_state_dict(safetensors.torch.load_file(folder / case["weights"]), strict=True)
    return model


def make_step():
    model = network().train()
    corners = [[left, top, left + size, top + size] for left, top, size in case["boxes"]]
    targets = [
        {
            "boxes": torch.tensor(corners, dtype=torch.float32),
            "labels": torch.ones(len(corners), dtype=torch.int64),
            "masks": masks_of(case["boxes"]),
        }
        for _ in range(case["images"])
    ]
    images = [image() for _ in range(case["images"])]
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9, weight_decay=0.0005)

    def run():
        sum(model(images, targets).values()).backward()
        optimizer.step()
        optimizer.zero_grad()

    return run


def encode(mask):
    return mask_util.encode(numpy.asfortranarray(mask))


def make_prediction():
    model = network().eval()
    images = [image() for _ in range(case["images"])]

    def run():
        with torch.inference_mode():
            for one in images:  # one by one, as our side does
                found = model([one])[0]
                assert len(found["scores"]) == case["objects"]
                for mask in (found["masks"] >= 0.5).to(torch.uint8).numpy():
                    encode(mask[0])

    return run


def make_evaluation():
    def objects(moved):
        rows = []
        for index in range(case["images"]):
            for i, (left, top, size) in enumerate(case["boxes"]):
                left = min(left + moved, side - size)
                mask = numpy.zeros((side, side), dtype=numpy.uint8, order="F")
                mask[top : top + size, left : left + size] = ellipse(size)
                row = {"id": len(rows) + 1, "image_id": index + 1, "category_id": 1, "bbox": [left, top, size, size]}
                row.update(segmentation=encode(mask), score=0.99 - 0.3 * i / len(case["boxes"]))
                rows.append({**row, "area": float(mask_util.area(row["segmentation"])), "iscrowd": 0})
        return rows

    truth, found = objects(0), objects(1)
    images = [{"id": index + 1, "width": side, "height": side} for index in range(case["images"])]

    def run():
        coco = COCO()
        coco.dataset = {"images": images, "categories": [{"id": 1, "name": "object"}], "annotations": truth}
        coco.createIndex()
        for kind in ("bbox", "segm"):
            evaluation = COCOeval(coco, coco.loadRes([dict(row) for row in found]), kind)
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()

    return run


resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]), int(sys.argv[2])))
try:
    run = {"train": make_step, "predict": make_prediction, "evaluate": make_evaluation}[case["work"]]()
    run()
    times, thread_times, begin = [], [], time.perf_counter()
    while len(times) < RUNS and time.perf_counter() - begin < MOST_SECONDS:
        start, before = time.perf_counter(), time.process_time()
        run()
        times.append(time.perf_counter() - start)
        thread_times.append(time.process_time() - before)
except (MemoryError, RuntimeError) as error:
    if not isinstance(error, MemoryError) and "memory" not in str(error):
        raise
    print(json.dumps({"outOfMemory": True}))
    sys.exit()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": min(times), "threadSeconds": min(thread_times), "peakBytes": peak}))
