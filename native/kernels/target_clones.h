#pragma once

// Compiles a hot function for several x86-64 instruction sets. The loader picks the best one that
// the machine supports. This gives one portable binary without intrinsics. It needs ifunc, and
// therefore glibc.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__has_attribute)
#if __has_attribute(target_clones)
#define MASKRCNN_TARGET_CLONES(...) __attribute__((target_clones(__VA_ARGS__)))
#endif
#endif
#ifndef MASKRCNN_TARGET_CLONES
#define MASKRCNN_TARGET_CLONES(...)
#endif
