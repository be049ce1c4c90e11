// libstdc++ asks this of glibc 2.32 and later, to count references without atomics in a program of
// one thread. This one has many: with an answer of its own the library needs no such glibc.
#if defined(__linux__)
extern "C" __attribute__((visibility("hidden"))) char __libc_single_threaded;
char __libc_single_threaded = 0;
#endif
