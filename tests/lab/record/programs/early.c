/*
 * Who allocates before main: a function that runs before all constructors (4 blocks of 31 bytes), the library that it is
 * linked with (plugin.c), a constructor of its own (6 blocks of 33). Then main: 10 blocks of 11.
 */
#include <stdlib.h>

void allocate(void);

static void *volatile sink;

static void make(int blocks, size_t bytes) {
  for (; blocks > 0; blocks--) sink = malloc(bytes);
}

static void first(int count, char **arguments, char **variables) {
  (void)count, (void)arguments, (void)variables;
  make(4, 31);
}

__attribute__((section(".preinit_array"), used)) static void (*const before_all)(int, char **, char **) = first;

__attribute__((constructor)) static void before_main(void) { make(6, 33); }

int main(void) {
  allocate();
  make(10, 11);
  return 0;
}
