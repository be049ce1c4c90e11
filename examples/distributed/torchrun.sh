#!/bin/sh
# Trains on two machines with four processes each. Run it on both, with the name of one of them as HOST:
#   HOST=node-a examples/distributed/torchrun.sh data/cells
# torchrun comes with PyTorch. It starts the processes again up to three times when one of them fails, and they go on
# from the last state.
set -eu
exec torchrun --no-python \
  --nnodes 2 --nproc-per-node 4 --max-restarts 3 \
  --rdzv-backend c10d --rdzv-id cells --rdzv-endpoint "$HOST:29400" \
  npx maskrcnn train "$1" --classes cell --output runs/cells --resume auto
