#pragma once

namespace maskrcnn {

// Gives libtorch's interface for graphs of any device those of CUDA, which its own releases up to
// 2.14 have only in a class of libtorch_cuda. Does nothing where there are some already, or where
// that class is not in the process. Any thread may call it, as often as it likes.
void offer_cuda_graphs();

}  // namespace maskrcnn
