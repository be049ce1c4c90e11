// Lets what is built on a Linux of today run on one of 2020 (glibc 2.31, GCC 10's libstdc++): of a
// few functions it asks for the version that was there before. Included where one of them is
// called; test/scripts/package.test.ts holds what the built libraries need.
#pragma once

#if defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))

#ifdef __x86_64__
#define MASKRCNN_FIRST_GLIBC "GLIBC_2.2.5"
#else
#define MASKRCNN_FIRST_GLIBC "GLIBC_2.17"
#endif

// Moved from libdl, which Node has loaded, into libc by glibc 2.34.
__asm__(".symver dlopen, dlopen@" MASKRCNN_FIRST_GLIBC);
__asm__(".symver dlsym, dlsym@" MASKRCNN_FIRST_GLIBC);
__asm__(".symver dlerror, dlerror@" MASKRCNN_FIRST_GLIBC);
__asm__(".symver dladdr, dladdr@" MASKRCNN_FIRST_GLIBC);

#ifdef __GLIBCXX__
// Given another version by GCC 12 for the sake of exceptions that pass through it.
__asm__(
    ".symver _ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE, "
    "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE@GLIBCXX_3.4.11");
#endif

#endif
