#include "kernels/processor.h"

#include <ATen/cpu/Utils.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <unistd.h>
#endif

namespace maskrcnn::ops {
namespace {

// CPUID, leaf 7, EDX (Intel, "Architecture Instruction Set Extensions", chapter 1). Older Clangs
// have no names for them.
constexpr unsigned kAmxBFloat16 = 1u << 22, kAmxTile = 1u << 24;

bool supports_amx() {
#if defined(__x86_64__) && defined(__GNUC__)
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return has_avx512() && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) &&
         (edx & kAmxBFloat16) != 0 && (edx & kAmxTile) != 0;
#else
  return false;
#endif
}

}  // namespace

bool has_amx() {
  // Linux lends the tiles only to a process that asks for them.
  static const bool usable = supports_amx() && at::cpu::init_amx();
  return usable;
}

int64_t core_cache_bytes() {
#ifdef _SC_LEVEL2_CACHE_SIZE
  if (const auto bytes = sysconf(_SC_LEVEL2_CACHE_SIZE); bytes > 0) return bytes;
#endif
  return 1 << 20;
}

}  // namespace maskrcnn::ops
