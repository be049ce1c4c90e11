#!/usr/bin/env bash
# pycocotools cannot load the results of a network that finds nothing.
#
# One would guess: an empty list is a valid results file. Nothing was found, so
# the average precision is 0.
#
# What really happens: COCO.loadRes([]) asks the first result whether it has a
# caption, a box or a mask, and there is no first result: "IndexError: list
# index out of range". One detection anywhere, of any score, and it loads. The
# evaluation itself has no trouble: COCOeval on a COCO object without
# annotations, made by hand, gives an AP of 0.
#
# Why a user of an instance-segmentation tool cares: after the first epoch, with
# a high threshold, or on a hard subset, a network finds nothing. A training run
# that scores itself by loadRes() then ends with an IndexError that names
# neither the file nor the cause. Guard it, or build the empty object.
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

print("pycocotools", version("pycocotools"))
box = [2, 2, 4, 4]
square = [[2, 2, 6, 2, 6, 6, 2, 6]]


def quietly(work):
    with contextlib.redirect_stdout(io.StringIO()):
        return work()


def truth():
    coco = COCO()
    coco.dataset = {
        "images": [{"id": 1, "width": 10, "height": 10}],
        "categories": [{"id": 1, "name": "square"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": box, "area": 16, "iscrowd": 0,
                         "segmentation": square}],
    }
    quietly(coco.createIndex)
    return coco


def ap(found):
    coco = truth()
    evaluation = COCOeval(coco, found(coco), "bbox")

    def run():
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        return float(evaluation.stats[0])

    return quietly(run)


def by_hand(coco):
    empty = COCO()
    empty.dataset = {**coco.dataset, "annotations": []}
    quietly(empty.createIndex)
    return empty


one = [{"image_id": 1, "category_id": 1, "bbox": [7, 7, 1, 1], "score": 0.001}]
wrong = ap(lambda coco: quietly(lambda: coco.loadRes(one)))
print("one wrong detection: AP", wrong)
try:
    quietly(lambda: truth().loadRes([]))
    raised = None
except IndexError as error:
    raised = error
print("no detection, loadRes():", repr(raised))
none = ap(by_hand)
print("no detection, built by hand: AP", none)

assert wrong == 0 and none == 0
assert isinstance(raised, IndexError)
PY
