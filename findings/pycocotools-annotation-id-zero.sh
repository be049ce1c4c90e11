#!/usr/bin/env bash
# pycocotools counts a found object as missed if its annotation has the id 0.
#
# One would guess: the ids of annotations are names. Any distinct integers will
# do, so results that equal the ground truth have an average precision of 1.
#
# What really happens: COCOeval keeps, for each detection, the id of the object
# that it matched, and 0 there means "none". The object with id 0 is matched,
# and its detection then counts as a false positive with a high score. With
# four objects and perfect results the AP falls from 1 to 0.564; with a single
# object it falls to 0. Nothing is printed.
#
# Why a user of an instance-segmentation tool cares: several labelling tools
# export ids that begin at 0. The smaller the data set, the lower the figure,
# and no look at the masks shows the reason. Number annotations from 1.
#
# Versions: pycocotools 2.0.11, numpy 2.4.6. Needs Python 3.11 or newer.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m pip install -qq --retries 0 --disable-pip-version-check --no-compile \
  --target "$dir/packages" pycocotools==2.0.11 numpy==2.4.6

PYTHONPATH="$dir/packages" python3 - <<'PY'
import contextlib
import io
from importlib.metadata import version

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

print("pycocotools", version("pycocotools"), "numpy", version("numpy"))


def average_precision(ids, kind):
    """AP of results that equal the ground truth, objects having these ids."""
    boxes = [[60 * k, 10, 40, 40] for k in range(len(ids))]
    rings = [[[x, y, x + w, y, x + w, y + h, x, y + h]] for x, y, w, h in boxes]
    truth = COCO()
    truth.dataset = {
        "images": [{"id": 1, "width": 300, "height": 60}],
        "categories": [{"id": 1, "name": "cell"}],
        "annotations": [
            {"id": id, "image_id": 1, "category_id": 1, "bbox": box,
             "segmentation": ring, "area": 1600, "iscrowd": 0}
            for id, box, ring in zip(ids, boxes, rings)
        ],
    }
    truth.createIndex()
    field, values = ("bbox", boxes) if kind == "bbox" else ("segmentation", [
        truth.annToRLE(truth.anns[id]) for id in ids])
    found = truth.loadRes([
        {"image_id": 1, "category_id": 1, field: value, "score": 0.9}
        for value in values])
    evaluation = COCOeval(truth, found, kind)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return round(float(evaluation.stats[0]), 3)


expected = {(1, 2, 3, 4): 1.0, (0, 1, 2, 3): 0.564, (7,): 1.0, (0,): 0.0}
for ids, stated in expected.items():
    for kind in ("bbox", "segm"):
        with contextlib.redirect_stdout(io.StringIO()):
            ap = average_precision(ids, kind)
        print(f"ids {ids}: {kind} AP of perfect results = {ap}")
        assert ap == stated, f"stated {stated}, seen {ap}"
print("As stated.")
PY
