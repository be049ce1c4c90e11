#!/usr/bin/env bash
# On a processor with AMX, PyTorch's convolutions in bfloat16 give wrong numbers
# if they have a stride and their result is one column wide.
#
# One would guess: a convolution in bfloat16 differs from that in float32 by the
# rounding of its operands and its result, which is below a hundredth, whatever
# the size of the map.
#
# What really happens: with a stride of 2, a kernel of 3 x 3 and a map that is so
# narrow that the result has one column, but some rows, most results are off by
# as much as they are large. A map of two more columns is right, and so is the
# same map with rows and columns swapped, or with stride 1. With
# ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16, which forbids AMX to oneDNN, the same
# processor is right.
#
# Why a user of an instance-segmentation tool cares: the last stage of a ResNet
# divides an image by 32, and begins with such a convolution. Its map has one
# column if the network sees narrow images: strips of 32 pixels, columns of text,
# tracks of a gel. Nothing fails, and the other levels of the pyramid are right,
# so that the scores are only lower than on another machine.
#
# Versions: torch 2.13.0 with oneDNN 3.12 (seen with two cores of a Xeon with
# AMX). It needs such a processor: elsewhere it says so and proves nothing.
# Python 3.11 or newer. Takes about 800 MB of disk (a CUDA build takes more)
# while it runs.
set -euo pipefail
if ! grep -qw amx_bf16 /proc/cpuinfo; then
  echo "This processor has no AMX, so there is nothing to see here."
  exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m pip install -qq --retries 0 --disable-pip-version-check --no-compile \
  --target "$dir/packages" torch==2.13.0 numpy==2.4.6

cat > narrow.py <<'PY'
import torch

torch.manual_seed(0)
print("torch", torch.__version__)


def off(height, width, stride):
    """The largest error in bfloat16, as a share of the largest result."""
    x = torch.randn(1, 32, height, width).bfloat16()
    weight = torch.randn(64, 32, 3, 3).bfloat16()
    exact = torch.nn.functional.conv2d(x.float(), weight.float(), stride=stride, padding=1)
    rough = torch.nn.functional.conv2d(x, weight, stride=stride, padding=1).float()
    share = ((rough - exact).abs().max() / exact.abs().max()).item()
    print(f"a map of {height} x {width}, stride {stride}, gives {exact.shape[2]} x {exact.shape[3]}:",
          f"off by {share:.1%}")
    return share


print("narrow", int(not off(12, 2, 2) < 0.1))
print("others", int(not max(off(12, 4, 2), off(2, 12, 2), off(12, 2, 1)) < 0.02))
PY

export PYTHONPATH="$dir/packages"
python3 narrow.py | tee with-amx
grep -qx "narrow 1" with-amx
grep -qx "others 0" with-amx
echo "without AMX:"
ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 python3 narrow.py | tee without-amx
grep -qx "narrow 0" without-amx
grep -qx "others 0" without-amx
echo "As stated."
