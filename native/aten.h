// All of libtorch that most of this source needs: tensors and their operators. This file is
// precompiled, and included first.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
