"""Exports torchvision's Mask R-CNN with its own exporter: WEIGHTS.pth OUT.onnx HEIGHT WIDTH."""
import sys
import warnings

import torch
import torchvision

warnings.filterwarnings("ignore")
weights, out, height, width = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
model = torchvision.models.detection.maskrcnn_resnet50_fpn(
    weights=None, weights_backbone=None, num_classes=91, box_score_thresh=0.0
)
model.load_state_dict(torch.load(weights, weights_only=True))
model.eval()
# The size that is traced here is the only one for which the file is right (vision #1840).
torch.onnx.export(model, ([torch.rand(3, height, width)],), out, opset_version=17, dynamo=False)
