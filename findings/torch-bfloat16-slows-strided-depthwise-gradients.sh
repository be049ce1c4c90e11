#!/usr/bin/env bash
# On a processor with bfloat16 instructions, PyTorch takes many times as long
# for a gradient of a MobileNet's strided depthwise convolutions in bfloat16 as
# in float32.
#
# One would guess: autocast to bfloat16 makes a training step on such a
# processor faster, layer by layer: half the bytes and twice the products. Where
# there is no fast kernel for a layer, it should take about as long as in
# float32.
#
# What really happens: the gradient with respect to the input of a depthwise
# convolution with stride 2 gets another implementation of oneDNN in bfloat16.
# In float32 it is the one for depthwise convolutions (jit_dw). In bfloat16,
# that one takes only the layers with stride 1; with stride 2 it is the general
# one for strided convolutions (brgconv_strided), which works through 96 groups
# of one channel each. The first such layer of MobileNetV2 takes about 5.6 times
# as long as in float32, where one would guess half the time.
#
# Why a user of an instance-segmentation tool cares: a MobileNetV2 backbone is
# the choice for a laptop or a small server. It has four such layers, and a
# profile of the forward pass does not show them, as that is fast.
#
# Versions: torch 2.13.0 with oneDNN 3.12 (seen with two cores of a Xeon with
# AVX512-BF16 and AMX). It needs a processor with AVX512-BF16: elsewhere it says
# so and proves nothing. Python 3.11 or newer. Takes about 800 MB of disk (a
# CUDA build takes more) while it runs.
set -euo pipefail
if ! grep -qw avx512_bf16 /proc/cpuinfo; then
  echo "This processor has no AVX512-BF16, so there is nothing to see here."
  exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m pip install -qq --retries 0 --disable-pip-version-check --no-compile \
  --target "$dir/packages" torch==2.13.0 numpy==2.4.6

cat > gradient.py <<'PY'
import sys

import torch

# The first strided depthwise layer of MobileNetV2 on two images of 704 x 512.
CHANNELS, HEIGHT, WIDTH = 96, 256, 352
dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[sys.argv[1]]
stride = int(sys.argv[2])
torch.manual_seed(0)
x = torch.randn(2, CHANNELS, HEIGHT, WIDTH).to(dtype, memory_format=torch.channels_last)
weight = torch.randn(CHANNELS, 1, 3, 3).to(dtype)


def layer(x):
    return torch.nn.functional.conv2d(x, weight, stride=stride, padding=1, groups=CHANNELS)


x.requires_grad_()
grad = torch.ones_like(layer(x))
for _ in range(9):
    torch.autograd.grad(layer(x), x, grad)
PY

export PYTHONPATH="$dir/packages"
python3 -c 'import torch; print("torch", torch.__version__)'
# The median time of oneDNN's kernel, in milliseconds, and its name.
measure() {
  awk -F, -v pass="$1" '$4 == "exec" && $6 == "convolution" && $8 ~ pass {split($7, name, ":"); print $NF, name[1]}' log |
    sort -n | awk '{line[NR] = $0} END {print line[int((NR + 1) / 2)]}'
}
declare -A ms kind
for dtype in float32 bfloat16; do
  for stride in 1 2; do
    ONEDNN_VERBOSE=profile_exec python3 gradient.py "$dtype" "$stride" > log
    read -r forward forward_kind < <(measure '^forward')
    read -r ms["$dtype,$stride"] kind["$dtype,$stride"] < <(measure '^backward_data$')
    echo "$dtype, stride $stride: forward $forward ms by $forward_kind," \
      "gradient ${ms[$dtype,$stride]} ms by ${kind[$dtype,$stride]}"
  done
done
[ "${kind[float32,1]}" = jit_dw ]
[ "${kind[float32,2]}" = jit_dw ]
[ "${kind[bfloat16,1]}" = jit_dw ]
[ "${kind[bfloat16,2]}" = brgconv_strided ]
awk -v slow="${ms[bfloat16,2]}" -v fast="${ms[float32,2]}" 'BEGIN {
  printf "with stride 2, bfloat16 takes %.1f times as long as float32\n", slow / fast
  exit !(slow > 3 * fast)
}'
echo "As stated."
