#!/usr/bin/env bash
# On processors with AMX or AVX512-BF16, PyTorch's convolutions in bfloat16 give
# wrong numbers if they have a stride and their result is one column wide.
#
# One would guess: a convolution in bfloat16 differs from that in float32 by the
# rounding of its operands and its result, which is below a hundredth, whatever
# the size of the map.
#
# What really happens: with a stride of 2, a kernel of 3 x 3 and a map that is so
# narrow that the result has one column, but some rows, most results are off by
# as much as they are large. With AMX this is so for 32 input channels. Without
# it (or with ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16, which forbids AMX to oneDNN)
# these are right, but a single input channel, or groups of one, are wrong if the
# map is in the order channels_last and the stride is 2 across and 1 down. A map of
# two more columns is right, and so is the same map with rows and columns swapped,
# or with stride 1.
#
# Why a user of an instance-segmentation tool cares: the last stage of a ResNet
# divides an image by 32, and begins with such a convolution. Its map has one
# column if the network sees narrow images: strips of 32 pixels, columns of text,
# tracks of a gel. Nothing fails, and the other levels of the pyramid are right,
# so that the scores are only lower than on another machine.
#
# Versions: torch 2.13.0 with oneDNN 3.12 (seen with two cores of a Xeon with
# AMX, the case without AMX with two cores of a Zen 5). It needs such a processor:
# elsewhere it says so and proves nothing. Python 3.11 or newer. Takes about
# 800 MB of disk (a CUDA build takes more) while it runs.
set -euo pipefail
if ! grep -qw avx512_bf16 /proc/cpuinfo; then
  echo "This processor has neither AMX nor AVX512-BF16, so there is nothing to see here."
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


def off(height, width, stride, channels):
    """The largest error in bfloat16, as a share of the largest result."""
    x = torch.randn(1, channels, height, width).bfloat16()
    if channels == 1:
        x = x.to(memory_format=torch.channels_last)
    weight = torch.randn(64, channels, 3, 3).bfloat16()
    how = {"stride": stride, "padding": 0 if channels == 1 else 1}
    exact = torch.nn.functional.conv2d(x.float(), weight.float(), **how)
    rough = torch.nn.functional.conv2d(x, weight, **how).float()
    share = ((rough - exact).abs().max() / exact.abs().max()).item()
    print(f"input channels: {channels}, a map of {height} x {width}, stride {stride}, gives",
          f"{exact.shape[2]} x {exact.shape[3]}: off by {share:.1%}")
    return share


others = []
for channels, width, down in (32, 2, 2), (1, 3, 1):
    print("narrow", channels, int(not off(12, width, (down, 2), channels) < 0.1))
    cases = (12, width + 2, (down, 2)), (width, 12, (2, down)), (12, width, 1)
    others += [off(*case, channels) for case in cases]
print("others", int(not max(others) < 0.02))
PY

export PYTHONPATH="$dir/packages"
if grep -qw amx_bf16 /proc/cpuinfo; then
  python3 narrow.py | tee with-amx
  grep -qx "narrow 32 1" with-amx
  grep -qx "others 0" with-amx
fi
echo "without AMX:"
ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 python3 narrow.py | tee without-amx
grep -qx "narrow 32 0" without-amx
grep -qx "narrow 1 1" without-amx
grep -qx "others 0" without-amx
echo "As stated."
