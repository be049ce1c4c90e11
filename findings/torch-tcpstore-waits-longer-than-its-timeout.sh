#!/usr/bin/env bash
# PyTorch's TCPStore waits for 1.2 to 2.7 times its timeout, and names the timeout.
#
# One would guess: torch.distributed.TCPStore(host, port, timeout=4 s) gives up
# after 4 seconds if nothing listens there, as its error says: "timed out after
# 4000ms".
#
# What really happens: that is the time of one attempt. When it is over, the
# store waits for a random while and makes a second attempt. Here it took 1.2 to
# 2.7 times as long as asked, another time in each run. The error still names the
# time of one attempt.
#
# Why a user of an instance-segmentation tool cares: all launchers of data-
# parallel training (torchrun, srun, mpirun) lead to this store. A rank whose
# master has died before it joined holds its GPU for that long, and a supervisor
# that allows the time-out that was configured, plus a little, kills or reports a
# hang too early. Plan for three times the value.
#
# Versions: torch 2.13.0 (seen with its CPU build), numpy 2.4.6. Python 3.11 or
# newer. Takes about 800 MB of disk (a CUDA build takes more) while it runs.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m pip install -qq --retries 0 --disable-pip-version-check --no-compile \
  --target "$dir/packages" torch==2.13.0 numpy==2.4.6

PYTHONPATH="$dir/packages" python3 - <<'PY' 2>"$dir/log" || { tail -3 "$dir/log"; exit 1; }
import datetime
import socket
import time

import torch
from torch.distributed import DistNetworkError, TCPStore

print("torch", torch.__version__)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]  # nothing listens here once it is closed

waited = []
for seconds in (2, 2, 2, 2, 4, 4):
    began = time.monotonic()
    try:
        TCPStore("127.0.0.1", port, is_master=False, timeout=datetime.timedelta(seconds=seconds))
        raise SystemExit("it connected")
    except DistNetworkError as error:
        message = str(error).split("\n")[0]
    took = time.monotonic() - began
    waited.append(took / seconds)
    print(f"timeout {seconds} s: {took:.1f} s; {message.split(' while')[0]}")
    assert f"timed out after {seconds}000ms" in message, message

assert min(waited) > 1.05 and max(waited) > 1.3, "it now keeps its timeout"
print(f"it waited for {min(waited):.2f} to {max(waited):.2f} times as long")
PY
