/* A library that allocates, by a function that is called NAME; with EARLY so often when it is loaded, too. */
#include <stdlib.h>

__attribute__((noinline, used)) void *NAME(size_t size) {
  void *volatile block = malloc(size);
  return block;
}

#ifdef EARLY
__attribute__((constructor)) static void load(void) {
  for (int left = EARLY; left > 0; left--) NAME(SIZE);
}
#endif

void allocate(void) { free(NAME(SIZE)); }
