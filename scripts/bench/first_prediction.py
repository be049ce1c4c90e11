"""Makes a first prediction from scratch, as a user's script does. Argument: DIR. For bench.ts."""

import json
import pathlib
import resource
import sys

import safetensors.torch
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "fixtures"))
from network import build  # noqa: E402

folder = pathlib.Path(sys.argv[1])
task = json.loads((folder / "task.json").read_text())
model = build(task["options"])
model.load_state_dict(safetensors.torch.load_file(folder / task["weights"]), strict=True)
image = task["images"][0]
pixels = torch.frombuffer(bytearray((folder / image["pixels"]).read_bytes()), dtype=torch.uint8)
tensor = pixels.view(image["height"], image["width"], 3).permute(2, 0, 1).float() / 255
with torch.inference_mode():
    model.eval()([tensor])
print(json.dumps({"peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
