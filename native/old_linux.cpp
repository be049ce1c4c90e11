// libstdc++ takes this variable from glibc 2.32 or later. It tells libstdc++ whether the program
// has only one thread and can count references without atomics. This program has many threads. A
// definition of its own makes the library independent of that glibc.
#if defined(__linux__)
extern "C" __attribute__((visibility("hidden"))) char __libc_single_threaded;
char __libc_single_threaded = 0;
#endif
