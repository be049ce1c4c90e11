// What the network needs of libtorch, and no more: `torch/torch.h` also brings data loaders,
// optimizers, serialization and the JIT. This file is precompiled; every file under `native/`
// includes it first. A header of torch::nn costs each of them: GCC instantiates what templates a
// precompiled header leaves pending anew in every file.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>
