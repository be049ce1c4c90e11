"""Opens the annotation file ANNOTATIONS. For bench-coco-open.ts."""

import resource
import sys
import time

from pycocotools.coco import COCO

began = time.perf_counter()
COCO(sys.argv[1])
print(
    f'{time.perf_counter() - began:.1f} s, '
    f'{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB at most'
)
