/*
 * The C twin of bench/grow.ts: allocates small blocks until so many bytes are live, and frees them again, the last first,
 * with the time of each part of the way.
 *
 *     cc -O2 -fno-builtin -o grow grow.c
 *     ./grow 1073741824 64 2
 *     8f14e45f                          checksum of all sizes
 *     1234567 1345678 ...               nanoseconds of each part, upwards
 *     ...                               downwards; then the same of the next pass
 *
 * Sizes are 16 to 143 bytes, from xorshift32; the first byte of each block is written. Before the clock, a part's worth of
 * blocks is made and freed some times. Pointers lie in a mapping, so that malloc sees none of that.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { LEAST = 16, RANGE = 128, MEAN = LEAST + RANGE / 2, WARM_UPS = 20, WARM_BLOCKS = 100000 };

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint32_t x, checksum;

static void up(void **blocks, uint64_t from, uint64_t to) {
  for (uint64_t i = from; i < to; i++) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    const uint32_t size = LEAST + (x >> 25);
    unsigned char volatile *block = malloc(size);
    if (block == NULL) exit(1);
    *block = (unsigned char)x;
    blocks[i] = (void *)block;
    checksum = (checksum ^ size) * 31;
  }
}

static void down(void **blocks, uint64_t from, uint64_t to) {
  for (uint64_t i = to; i > from; i--) free(blocks[i - 1]);
}

int main(int argc, char **argv) {
  if (argc != 4) return 3;
  const uint64_t count = strtoull(argv[1], NULL, 10) / MEAN, points = strtoull(argv[2], NULL, 10);
  void **const blocks =
      mmap(NULL, (count + WARM_BLOCKS) * sizeof *blocks, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (blocks == MAP_FAILED || points == 0) return 3;
  for (int passes = atoi(argv[3]); passes > 0; passes--) {
    x = 12345;
    for (int warm = 0; warm < WARM_UPS; warm++) {
      up(blocks, 0, WARM_BLOCKS);
      down(blocks, 0, WARM_BLOCKS);
    }
    checksum = 0;
    static uint64_t times[2][4096];
    for (uint64_t point = 0; point < points && point < 4096; point++) {
      const uint64_t start = nanoseconds();
      up(blocks, count * point / points, count * (point + 1) / points);
      times[0][point] = nanoseconds() - start;
    }
    for (uint64_t point = points; point-- > 0;) {
      const uint64_t start = nanoseconds();
      down(blocks, count * point / points, count * (point + 1) / points);
      times[1][point] = nanoseconds() - start;
    }
    printf("%08" PRIx32 "\n", checksum);
    for (int way = 0; way < 2; way++) {
      for (uint64_t point = 0; point < points; point++) printf("%" PRIu64 " ", times[way][point]);
      putchar('\n');
    }
  }
  return 0;
}
