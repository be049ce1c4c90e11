// What the network's modules need from libtorch in addition, and nothing else. `torch/torch.h`
// would also include data loaders, optimizers, serialization and the JIT. Precompiled for
// native/model. Include it only where you need it: GCC instantiates the pending templates of a
// precompiled header again in every file, and for these that takes longer than compiling most
// files' own code.
#pragma once

#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "aten.h"
