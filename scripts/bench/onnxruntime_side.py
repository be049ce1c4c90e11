"""onnxruntime's side of bench.ts: DIR. Says when it is ready, then runs once for each line that it reads."""

import json
import os
import pathlib
import resource
import sys
import time

import numpy
import onnxruntime

folder = pathlib.Path(sys.argv[1])
task = json.loads((folder / "task.json").read_text())
options = onnxruntime.SessionOptions()
options.log_severity_level = 3  # it warns of each mask that is pasted
options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
session = onnxruntime.InferenceSession(folder / "network.onnx", options, providers=["CPUExecutionProvider"])
[image] = task["images"]
pixels = numpy.frombuffer((folder / image["pixels"]).read_bytes(), dtype=numpy.uint8)
pixels = pixels.reshape(image["height"], image["width"], 3).transpose(2, 0, 1).astype(numpy.float32) / 255


def run():
    boxes, _, scores, masks = session.run(["boxes", "labels", "scores", "masks"], {"image": pixels})
    masks = masks > 0.5  # as users take them
    return {"boxes": boxes.flatten().tolist(), "scores": scores.tolist()}


print(json.dumps(run()), flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    run()
    print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
print(json.dumps({"peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)
