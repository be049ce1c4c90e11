#pragma once

#include <cstdint>

namespace maskrcnn::ops {

// The instructions that oneDNN requires for its AVX-512 kernels (ATen/native/mkldnn/Utils.h,
// mkldnn_bf16_device_check). Our own need fewer of them.
inline bool has_avx512() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq");
#else
  return false;
#endif
}

// Those of its kernels, and of ours, for other x86 processors.
inline bool has_avx2() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

// Those that multiply tiles of bfloat16, with AVX-512, in Intel's Xeons from Sapphire Rapids on, if
// the system lets this process use them.
bool has_amx();

// The size of the cache that a core does not share, 1 MiB if the system does not say.
int64_t core_cache_bytes();

}  // namespace maskrcnn::ops
