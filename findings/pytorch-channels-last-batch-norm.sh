#!/usr/bin/env bash
# Batch norm's running variance is off by 0.2 percent in PyTorch's channels_last.
#
# One would guess: the memory format of a tensor changes the speed, and results
# in the last digit of float32 at most (about 1e-7).
#
# What really happens: on the CPU, in training, a contiguous tensor gives a
# variance that is right to 1e-7. The same tensor in channels_last gives one
# that is off by 1.8e-3 with one thread: it is what one gets by adding a
# channel's squares one after the other in float32. The error grows with the
# number of pixels, and it changes with the number of threads (each adds its own
# part). torch.var_mean of the very same tensor is right to 1e-7.
#
# Why a user of an instance-segmentation tool cares: channels_last is what one
# chooses for speed on a CPU. The shape here is that of Mask R-CNN's first norm
# for an image of 800 x 1344. Two runs that differ in memory format or in the
# number of cores cannot be compared digit by digit, and a comparison of two
# implementations wants the contiguous one. Small test images do not show it.
#
# Versions: torch 2.13.0 (seen with its CPU build), numpy 2.4.6. Python 3.11 or
# newer. Takes about 800 MB of disk (a CUDA build takes more) while it runs.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m pip install -qq --retries 0 --disable-pip-version-check --no-compile \
  --target "$dir/packages" torch==2.13.0 numpy==2.4.6

PYTHONPATH="$dir/packages" python3 - <<'PY'
import numpy as np
import torch

print("torch", torch.__version__, "numpy", np.__version__)


def error(variance, exact):
    return float(((variance.double() - exact) / exact).abs().max())


def running_variance(images):
    norm = torch.nn.BatchNorm2d(images.shape[1], momentum=1.0).train()
    with torch.no_grad():
        norm(images)
    return norm.running_var


def compare(shape, threads):
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    images = torch.randn(shape).relu()
    last = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(images, last)
    exact = images.double().var((0, 2, 3))
    in_last = running_variance(last)
    errors = (error(running_variance(images), exact), error(in_last, exact),
              error(torch.var_mean(last, (0, 2, 3))[0], exact))
    print(f"{shape}, {threads} thread(s), relative error of the variance: "
          "contiguous %.1e, channels_last %.1e, var_mean %.1e" % errors)
    channel = images[:, 0].numpy().ravel()
    mean = np.float32(channel.mean(dtype=np.float64))
    one_by_one = np.cumsum((channel - mean) ** 2, dtype=np.float32)[-1]
    return *errors, float(in_last[0]), one_by_one / (channel.size - 1)


contiguous, last, var_mean, seen, added = compare((1, 64, 400, 672), 1)
print(f"  channel 0: {seen:.6f}, added one by one in float32: {added:.6f}")
assert contiguous < 1e-6 and var_mean < 1e-6
assert last > 1e-3
assert abs(seen / added - 1) < 1e-5
assert compare((1, 64, 400, 672), 2)[1] < last / 1.5  # more threads, less error
assert compare((1, 64, 32, 32), 1)[1] < 1e-5  # a small image does not show it
print("As stated.")
PY
