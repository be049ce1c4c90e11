"""Exports the network of DIR/task.json with its weights to DIR/network.onnx, for onnxruntime-side.ts."""

import json
import pathlib
import sys
import warnings

import safetensors.torch
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "fixtures"))
from network import build  # noqa: E402

folder = pathlib.Path(sys.argv[1])
task = json.loads((folder / "task.json").read_text())
model = build(task["options"])
model.load_state_dict(safetensors.torch.load_file(folder / task["weights"]), strict=True)
model.eval()
image = task["images"][0]
warnings.filterwarnings("ignore")
torch.onnx.export(
    model,
    ([torch.rand(3, image["height"], image["width"])],),
    folder / "network.onnx",
    input_names=["image"],
    output_names=["boxes", "labels", "scores", "masks"],
    opset_version=17,
    dynamo=False,  # use the exporter that torchvision's detectors support
)
