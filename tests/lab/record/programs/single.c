/* Every function of the family, with what makes each of them fail or do nothing. The counts are in record_test.ts. */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static volatile size_t huge = PTRDIFF_MAX;

int main(int count, char **arguments) {
  (void)arguments;
  if (count > 1) free(pvalloc(5)); /* valgrind has none */
  void *volatile a = malloc(100);
  void *volatile zero = malloc(0);
  void *volatile b = calloc(10, 30);
  a = realloc(a, 5000);
  a = realloc(a, 200);
  void *volatile c = realloc(NULL, 70000);
  c = reallocarray(c, 100, 10);
  void *volatile failed = malloc(huge);
  failed = realloc(b, huge);
  failed = calloc(huge, 3);
  failed = reallocarray(b, huge, 3);
  if (failed != NULL) return 1;
  void *d = NULL;
  if (posix_memalign(&d, 64, 1000) != 0) return 1;
  void *e = aligned_alloc(4096, 8192), *f = memalign(32, 77), *g = valloc(5);
  char *text = strdup("twelve bytes");
  free(NULL);
  free(d);
  free(zero);
  if (realloc(e, 0) != NULL) return 1;
  free(f);
  free(g);
  free(text);
  free(b);
  for (int i = 0; i < 1000; i++) free(malloc((size_t)i));
  return c == NULL || a == NULL;
}
