// What the network's modules need of libtorch besides, and no more: `torch/torch.h` also brings
// data loaders, optimizers, serialization and the JIT. Precompiled for native/model, and to be
// included by no file that can do without: GCC instantiates what templates a precompiled header
// leaves pending anew in every file, which for these takes it longer than most files' own code.
#pragma once

#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "aten.h"
