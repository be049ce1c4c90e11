#!/usr/bin/env bash
# With torch.utils.checkpoint, each training step moves the running statistics
# of a batch norm twice, and the trained network scores differently.
#
# One would guess: activation checkpointing trades time for memory, and nothing
# else. Its backward pass computes a block again, with the same weights and the
# same random numbers, so that losses and gradients stay the same. So should
# what the block leaves behind.
#
# What really happens: a batch norm in training mode moves its running mean and
# variance whenever it runs. Checkpointing runs it twice for each step, so the
# statistics move twice towards the same batch: a momentum of 0.1 acts as 0.19,
# and num_batches_tracked counts 2. Losses and gradients are equal to the bit,
# so nothing tells of it during training. In evaluation mode, which reads the
# running statistics, the outputs differ. It is the same for both values of
# use_reentrant.
#
# Why a user of an instance-segmentation tool cares: Mask R-CNN needs much
# memory, so one checkpoints the backbone. Where its norms are trained, as in
# MobileNet or without frozen norms, the same seed then validates differently,
# and the statistics follow the last images more closely. With few images in a
# batch, that is noise.
#
# Versions: torch 2.13.0 (seen with its CPU build). Python 3.11 or newer. Takes
# about 800 MB of disk (a CUDA build takes more) while it runs.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m pip install -qq --retries 0 --disable-pip-version-check --no-compile \
  --target "$dir/packages" torch==2.13.0 numpy==2.4.6

PYTHONPATH="$dir/packages" python3 - <<'PY'
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

print("torch", torch.__version__)
STEPS = 5


def train(use_reentrant=None):
    """A few steps; without use_reentrant, nothing is checkpointed."""
    torch.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
    head = nn.Conv2d(8, 1, 1)
    optimizer = torch.optim.SGD([*block.parameters(), *head.parameters()], lr=0.1)
    losses = []
    for _ in range(STEPS):
        x = (torch.randn(2, 3, 16, 16) + torch.rand(1)).requires_grad_()
        y = block(x) if use_reentrant is None else checkpoint(block, x, use_reentrant=use_reentrant)
        loss = head(y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    weights = torch.cat([p.detach().flatten() for p in [*block.parameters(), *head.parameters()]])
    norm = block[1]
    with torch.no_grad():
        scores = head(block.eval()(torch.ones(1, 3, 16, 16)))
    return losses, weights, int(norm.num_batches_tracked), norm.running_var.clone(), scores


losses, weights, batches, variance, scores = train()
assert batches == STEPS
for use_reentrant in (True, False):
    again = train(use_reentrant)
    assert again[0] == losses and torch.equal(again[1], weights)
    off = ((again[3] - variance) / variance).abs().max().item()
    moved = ((again[4] - scores) / scores).abs().max().item()
    print(f"use_reentrant={use_reentrant}: the same losses and weights, {again[2]} batches tracked in {STEPS} steps,",
          f"running variance off by up to {off:.0%}, scores by up to {moved:.0%}")
    assert again[2] == 2 * STEPS and off > 0.05 and moved > 0.01
PY

# One step, by hand: 0.9 of 0.9 of the old value remains.
PYTHONPATH="$dir/packages" python3 - <<'PY'
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

norm = nn.BatchNorm2d(1, momentum=0.1)
x = torch.randn(2, 1, 8, 8, requires_grad=True) + 5
checkpoint(norm, x, use_reentrant=False).sum().backward()
share = (norm.running_mean / x.mean()).item()
print(f"running mean after one step: {share:.4f} of the batch's")
assert abs(share - 0.19) < 1e-4
print("As stated.")
PY
