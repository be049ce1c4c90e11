// Makes a build on a current Linux run on a Linux of 2020 (glibc 2.31, GCC 10's libstdc++): binds a
// few functions to their older symbol versions. Include it where you call one of them.
// test/scripts/package.test.ts checks which versions the built libraries need.
#pragma once

#if defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))

#ifdef __x86_64__
#define MASKRCNN_FIRST_GLIBC "GLIBC_2.2.5"
#else
#define MASKRCNN_FIRST_GLIBC "GLIBC_2.17"
#endif

// glibc 2.34 moved these from libdl, which Node has loaded, into libc.
__asm__(".symver dlopen, dlopen@" MASKRCNN_FIRST_GLIBC);
__asm__(".symver dlsym, dlsym@" MASKRCNN_FIRST_GLIBC);
__asm__(".symver dlerror, dlerror@" MASKRCNN_FIRST_GLIBC);
__asm__(".symver dladdr, dladdr@" MASKRCNN_FIRST_GLIBC);

#ifdef __GLIBCXX__
// GCC 12 gave this a new version for exceptions that pass through it.
__asm__(
    ".symver _ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE, "
    "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE@GLIBCXX_3.4.11");
#endif

#endif
