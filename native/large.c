/*
 * The C twin of bench/large.ts: pairs, rotations and growing by realloc, with one line for each on stdout:
 *
 *     cc -O2 -fno-builtin -o large large.c
 *     ./large 64 200 5 pair:65536 rotation:65536 grow:1000 grow:double
 *     pair:65536 43.1                      nanoseconds of a pair, or of all the growing; the median of the passes
 *
 * The numbers: how many blocks a rotation has; for how many milliseconds passes are not counted, of each work; how many are
 * counted then. The first byte of each block is written, and of one that grows the last.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAIRS = 20000, MOST_PASSES = 1000, MOST_BLOCKS = 1024, LEAST = 8, MOST = 4 << 20 };

static double nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void put(void *block, size_t at) {
  if (block == NULL) exit(1);
  ((unsigned char volatile *)block)[at] = 1;
}

static void pair(size_t size) {
  for (int i = 0; i < PAIRS; i++) {
    void *block = malloc(size);
    put(block, 0);
    free(block);
  }
}

static void rotation(void **blocks, int count, size_t size) {
  for (int i = 0, at = 0; i < PAIRS; i++, at = at + 1 == count ? 0 : at + 1) {
    free(blocks[at]);
    blocks[at] = malloc(size);
    put(blocks[at], 0);
  }
}

/* By so many bytes each time; 0 is to twice the size. */
static void grow(size_t step) {
  void *block = malloc(LEAST);
  put(block, 0);
  for (size_t size = LEAST; size < MOST;) {
    size = step == 0 ? size * 2 : size + step;
    block = realloc(block, size);
    put(block, size - 1);
  }
  free(block);
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc < 4) return 3;
  const int count = atoi(argv[1]), passes = atoi(argv[3]);
  const double warm_up = atof(argv[2]) * 1e6;
  if (count < 1 || count > MOST_BLOCKS || passes < 1 || passes > MOST_PASSES) return 3;
  for (int work = 4; work < argc; work++) {
    const char *const colon = strchr(argv[work], ':');
    if (colon == NULL) return 3;
    const size_t size = strtoul(colon + 1, NULL, 10); /* 0 of "double" */
    static void *blocks[MOST_BLOCKS];
    static double times[MOST_PASSES];
    const char kind = argv[work][0];
    if (kind == 'r') {
      for (int i = 0; i < count; i++) put(blocks[i] = malloc(size), 0);
    }
    const double begun = nanoseconds();
    for (int pass = 0; pass < passes;) {
      const double start = nanoseconds();
      if (kind == 'p') pair(size);
      else if (kind == 'r') rotation(blocks, count, size);
      else grow(size);
      if (start - begun >= warm_up) times[pass++] = (nanoseconds() - start) / (kind == 'g' ? 1 : PAIRS);
    }
    if (kind == 'r') {
      for (int i = 0; i < count; i++) free(blocks[i]);
    }
    qsort(times, (size_t)passes, sizeof *times, ascending);
    printf("%s %.1f\n", argv[work], times[passes / 2]);
  }
  return 0;
}
