#pragma once

#include <vector>

#include "aten.h"

namespace maskrcnn {

// Where the random numbers of each image of a batch come from. As long as all are the same
// generator, the numbers are those of torchvision, which has one stream for all images. With a
// generator for each image, its numbers do not depend on the other images of the batch.
using Generators = std::vector<at::Generator>;

}  // namespace maskrcnn
