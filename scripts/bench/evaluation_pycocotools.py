"""The pycocotools side of bench-evaluation.ts. Arguments: TRUTH RESULTS. Prints a report as JSON."""

import contextlib
import io
import json
import resource
import sys
import time

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

began = time.perf_counter()
scores, seconds = {}, {}
with contextlib.redirect_stdout(io.StringIO()):
    coco = COCO(sys.argv[1])
    with open(sys.argv[2]) as file:
        results = json.load(file)
    # The usual way: boxes are removed, so that masks are classified as small or large by their own areas.
    boxes = coco.loadRes([{k: v for k, v in r.items() if k != 'segmentation'} for r in results])
    for result in results:
        del result['bbox']
    masks = coco.loadRes(results)
    load = time.perf_counter() - began
    for name, detected in [('bbox', boxes), ('segm', masks)]:
        start = time.perf_counter()
        evaluation = COCOeval(coco, detected, name)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        seconds[name] = time.perf_counter() - start
        scores[name] = evaluation.stats.tolist()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({'load': load, **seconds, 'peak': peak, 'scores': scores}))
