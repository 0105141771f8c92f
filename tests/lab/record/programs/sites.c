/* Three places that allocate 10, 30 and 60 % of 100 MiB. */
#include <stdlib.h>

#define KEPT __attribute__((noinline, noclone, used))

static void *volatile sink;

KEPT void small_site(void) {
  void *block = malloc(1024);
  sink = block;
  free(block);
}

KEPT void middle_site(void) {
  void *block = malloc(3072);
  sink = block;
  free(block);
}

KEPT void large_site(void) {
  void *block = malloc(6144);
  sink = block;
  free(block);
}

int main(void) {
  for (int turn = 0; turn < 10240; turn++) {
    small_site();
    middle_site();
    large_site();
  }
  return 0;
}
