#!/usr/bin/env bash
# The maximum that ONNX's RoiAlign takes of a constant map is not the constant.
#
# One would guess: RoiAlign interpolates the map at some points of each cell and
# pools them, by the mean (mode "avg") or by the largest (mode "max"). Of a map
# that is 8 everywhere every point is 8, and so are mean and maximum.
#
# What really happens: mode "max" takes the largest of the four weighted
# neighbours, before they are summed to the point's value. With one point a
# cell, a map of 8 gives 4.2, 3.3 and 2.6: they depend on where the box lies
# within the pixels. onnx's own reference gives the same as onnxruntime. For
# more points a cell onnxruntime prints that this is wrong and will be fixed in
# its release 1.13; 1.30 still has the line and the numbers.
#
# Why a user of an instance-segmentation tool cares: who writes a Mask R-CNN's
# heads as ONNX and takes "max" to be like pooling gets features that shake with
# each fraction of a pixel. Two runtimes that agree prove nothing here. Take
# "avg", or RoiAlign on a finer grid and MaxPool behind it.
#
# Versions: onnx 1.23.1, onnxruntime 1.30.0, numpy 2.4.6. Python 3.11 or newer.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m pip install -qq --retries 0 --disable-pip-version-check --no-compile \
  --target "$dir/packages" onnx==1.23.1 onnxruntime==1.30.0 numpy==2.4.6

PYTHONPATH="$dir/packages" python3 - <<'PY'
from importlib.metadata import version

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

for name in ("onnx", "onnxruntime", "numpy"):
    print(name, version(name), end="  ")
print()


def pooled(mode, value, box, points=1):
    """2 x 2 cells of points x points, by onnxruntime and by the reference."""
    node = helper.make_node(
        "RoiAlign", ["map", "boxes", "images"], ["cells"], mode=mode,
        output_height=2, output_width=2, sampling_ratio=points,
        coordinate_transformation_mode="half_pixel")
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node], "pool",
        [info("map", TensorProto.FLOAT, [1, 1, 8, 8]),
         info("boxes", TensorProto.FLOAT, [1, 4]),
         info("images", TensorProto.INT64, [1])],
        [info("cells", TensorProto.FLOAT, [1, 1, 2, 2])])
    model = helper.make_model(
        graph, ir_version=8, opset_imports=[helper.make_opsetid("", 16)])
    onnx.checker.check_model(model, full_check=True)
    inputs = {"map": np.full((1, 1, 8, 8), value, np.float32),
              "boxes": np.array([box], np.float32),
              "images": np.zeros(1, np.int64)}
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"])
    runtime = session.run(None, inputs)[0].ravel()
    reference = ReferenceEvaluator(model).run(None, inputs)[0].ravel()
    print(f"{mode} of a map of {value}, box {box}, {points} x {points} points"
          f" a cell: onnxruntime {runtime.round(3)}, "
          f"reference {reference.round(3)}")
    assert np.allclose(runtime, reference)
    return runtime


box, moved = [1.3, 1.3, 5, 5], [1.5, 1.5, 5.5, 5.5]
assert np.allclose(pooled("avg", 8, box), 8)
stated = [4.205, 3.335, 3.335, 2.645]
assert np.allclose(pooled("max", 8, box), stated, atol=1e-4)
assert np.allclose(pooled("max", 8, moved), 8)  # points on pixel centres
assert pooled("max", 8, box, points=2).max() < 7.5  # with the line on 1.13
print("As stated.")
PY
