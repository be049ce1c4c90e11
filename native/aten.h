// The part of libtorch that most files need: tensors and their operators. Precompiled, and included
// first.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
