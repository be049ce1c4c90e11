"""
The torchvision side of bench.ts. Arguments: DIR PRECISION [WAY]. Reports when it is ready, then runs once for each line
that it reads. WAY tunes it: "channels-last" lays out the network in that format; "compiled" also passes its parts
through torch.compile. For bench-operators.ts, WAY is "operators". It then reports how many operators one run starts,
and how often it waits.
"""

import json
import pathlib
import resource
import sys
import time

import safetensors.torch
import torch
import torch._inductor.config
from torch.utils._python_dispatch import TorchDispatchMode

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "fixtures"))
from network import build  # noqa: E402

folder = pathlib.Path(sys.argv[1])
task = json.loads((folder / "task.json").read_text())
model = build(task["options"])
model.load_state_dict(safetensors.torch.load_file(folder / task["weights"]), strict=True)
device = torch.device(task["device"])
model.to(device)
way = (sys.argv[3:] or ["as it comes"])[0]
if way in ("channels-last", "compiled"):
    model.to(memory_format=torch.channels_last)
if way == "compiled":
    torch._inductor.config.freezing = True
    model.backbone = torch.compile(model.backbone)
    model.rpn.head = torch.compile(model.rpn.head)
    for name in ("box_head", "box_predictor", "mask_head", "mask_predictor"):
        setattr(model.roi_heads, name, torch.compile(getattr(model.roi_heads, name)))


def mixed():
    return torch.autocast(device.type, torch.bfloat16, enabled=sys.argv[2] == "bfloat16")


def to_device(target):
    return {name: tensor.to(device) for name, tensor in target.items()}


def read(name, *shape):
    return torch.frombuffer(bytearray((folder / name).read_bytes()), dtype=torch.uint8).view(shape)


def target(image, mask):
    ids = read(mask["ids"], image["height"], image["width"])
    masks = ids == torch.arange(1, mask["objects"] + 1)[:, None, None]
    boxes = []
    for one in masks:
        y, x = torch.where(one)
        boxes.append([x.min(), y.min(), x.max() + 1, y.max() + 1])
    labels = torch.ones(mask["objects"], dtype=torch.int64)
    return {"boxes": torch.tensor(boxes, dtype=torch.float32), "labels": labels, "masks": masks.to(torch.uint8)}


images = [
    read(image["pixels"], image["height"], image["width"], 3).permute(2, 0, 1).float() / 255 for image in task["images"]
]


def make_detection():
    model.eval()

    def run():
        with torch.inference_mode(), mixed():
            found = model([image.to(device) for image in images])
            for one in found:
                one["masks"] = (one["masks"] > 0.5).cpu()  # as users do
        return {
            "boxes": torch.cat([one["boxes"] for one in found]).flatten().tolist(),
            "scores": torch.cat([one["scores"] for one in found]).tolist(),
        }

    return run


def make_step():
    model.train()
    targets = [target(image, mask) for image, mask in zip(task["images"], task["masks"])]
    foreach = True if way == "operators" else None  # counts on the CPU the operators that run on a GPU
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=1e-6, momentum=0.9, weight_decay=0.0005, foreach=foreach)
    torch.manual_seed(1)

    def run():
        with mixed():
            losses = model([image.to(device) for image in images], [to_device(target) for target in targets])
        sum(losses.values()).backward()
        optimizer.step()
        optimizer.zero_grad()
        return {"losses": [losses[name].item() for name in sorted(losses)]}

    return run


class Operators(TorchDispatchMode):
    """Counts operators, except those that only view or allocate memory, and how often a GPU would be waited for."""

    WAITING = ("aten::masked_select", "aten::nonzero", "torchvision::nms")  # the sizes of their results are needed
    ASKING = ("item", "tolist", "__bool__", "__int__", "__float__", "__index__")

    def __init__(self):
        super().__init__()
        self.started, self.waits = 0, 0
        # On the CPU, reading a value does not run an operator.
        for name in self.ASKING:
            setattr(torch.Tensor, name, self.wait_before(getattr(torch.Tensor, name)))

    def wait_before(self, method):
        def ask(tensor, *args):
            self.waits += 1
            return method(tensor, *args)

        return ask

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        name = operator._schema.name
        # A boolean mask used as an index is converted to positions.
        selects = name == "aten::index" and any(one is not None and one.dtype == torch.bool for one in args[1])
        if not operator.is_view and "empty" not in name and name not in ("aten::detach", "aten::_unsafe_view"):
            self.started += 1
            self.waits += selects or name in self.WAITING
        return operator(*args, **(kwargs or {}))


run = make_detection() if task["kind"] == "detect" else make_step()
first = run()
if way == "operators":
    with Operators() as operators:
        run()
    print(json.dumps({"operators": operators.started, "waits": operators.waits}))
    sys.exit()
# Warm-up: on a GPU as in ours.ts. The first runs of compiled parts compile them for the sizes that occur.
for _ in range(3 if way == "compiled" else 0 if device.type == "cpu" else 5):
    run()
print(json.dumps(first), flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    run()
    print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
if device.type == "cpu":
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
else:
    peak = torch.cuda.max_memory_reserved()
print(json.dumps({"peakMiB": peak / 2**20}), flush=True)
