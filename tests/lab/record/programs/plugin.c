/* A library that allocates, by a function that is called NAME. */
#include <stdlib.h>

__attribute__((noinline, used)) void *NAME(size_t size) {
  void *volatile block = malloc(size);
  return block;
}

void allocate(void) { free(NAME(SIZE)); }
