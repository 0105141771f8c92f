/*
 * The witness: six of the workloads once more, as a C programmer would write them in an afternoon who has read what they
 * are and has not seen the twins in the folder workloads. No line is shared with those. malloc and free are called by
 * their names, parameters are constants of the compiler, the clock is read here. If the twins take longer than this, or
 * less, then what they add to malloc is the lab's own time, and no comparison that uses them is to be believed:
 *
 *     cc -O2 -fno-builtin -o witness witness.c -ldl
 *     echo 1000000 | ./witness larson
 *     ready malloc=/lib/x86_64-linux-gnu/libc.so.6 ...
 *     14567890 1000000
 *
 * Each line of stdin is a number of operations; the answer is the nanoseconds that they took, and how many they were. The
 * first line says which library has each function, since LD_PRELOAD fails quietly.
 *
 * -fno-builtin is needed: without it, the compiler knows that a block which is allocated, freed and never looked at can be
 * left out, and hot-pair is an empty loop. tests/lab/doctor/witness_test.ts counts the calls.
 */
#define _GNU_SOURCE /* dladdr */
#include <ctype.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The defaults of src/workloads, name by name. */
#define RANDOM_MIXED_SIZE 128
#define RANDOM_MIXED_WORKING_SET 8192
#define HOT_PAIR_SIZE 128
#define LARSON_MIN 8
#define LARSON_MAX 128
#define LARSON_CHUNKS 1024
#define SH8BENCH_MIN 8
#define SH8BENCH_MAX 1000
#define SH8BENCH_WORKING_SET 2048
#define ALLOC_TEST_WORKING_SET 8192
#define SLOW_MIX_WORKING_SET 256

static char *table[8192];
static uint32_t stream = 2463534242u; /* of random numbers; goes on from turn to turn */
static char volatile seen; /* what is read of blocks, so that it is read */

static uint32_t next_random(uint32_t *state) { /* Marsaglia, "Xorshift RNGs" (2003), another of his triples */
  uint32_t r = *state;
  r ^= r << 5;
  r ^= r >> 9;
  r ^= r << 7;
  return *state = r;
}

static char *check(char *block) {
  if (block == NULL) {
    puts("error malloc gave NULL");
    exit(1);
  }
  return block;
}

/* Frees what is left; returns how many blocks that were. */
static uint64_t clear(void) {
  uint64_t blocks = 0;
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    if (table[i] == NULL) continue;
    free(table[i]);
    table[i] = NULL;
    blocks++;
  }
  return blocks;
}

/* Each workload does at least so many operations, and returns how many it has done. */

static uint64_t mixed(uint64_t count) {
  uint32_t random = stream;
  for (uint64_t i = 0; i < count; i++) {
    uint32_t r = next_random(&random);
    char **slot = &table[r % RANDOM_MIXED_WORKING_SET];
    if (*slot) {
      free(*slot);
      *slot = NULL;
    } else {
      *slot = check(malloc(1 + (r >> 20) % RANDOM_MIXED_SIZE));
      **slot = (char)r;
    }
  }
  stream = random;
  return count + clear();
}

static uint64_t hot_pair(uint64_t count) {
  for (uint64_t i = 0; i < count; i += 2) free(malloc(HOT_PAIR_SIZE));
  return count + count % 2;
}

static char *larson_block(void) { return check(malloc(LARSON_MIN + next_random(&stream) % (LARSON_MAX - LARSON_MIN))); }

static void larson_fill(void) {
  for (int i = 0; i < LARSON_CHUNKS; i++) table[i] = larson_block();
  for (int i = LARSON_CHUNKS - 1; i > 0; i--) { /* Fisher and Yates */
    int j = (int)(next_random(&stream) % (uint32_t)(i + 1));
    char *block = table[i];
    table[i] = table[j];
    table[j] = block;
  }
}

static uint64_t larson(uint64_t count) {
  uint32_t random = stream;
  for (uint64_t i = 0; i < count; i++) {
    uint32_t victim = next_random(&random) % LARSON_CHUNKS;
    free(table[victim]);
    char *block = check(malloc(LARSON_MIN + next_random(&random) % (LARSON_MAX - LARSON_MIN)));
    table[victim] = block;
    block[0] = 'a';
    seen = *(char volatile *)block; /* otherwise the compiler knows what it has just written */
    block[1] = 'b';
  }
  stream = random;
  return count;
}

/* Three sizes in four lie in the lowest eighth of the range. */
static uint32_t sh8bench_size(uint32_t r) {
  enum { RANGE = SH8BENCH_MAX - SH8BENCH_MIN };
  uint32_t range = r % 4 == 0 ? RANGE : RANGE / 8 + 1;
  return SH8BENCH_MIN + (uint32_t)((uint64_t)r * range >> 32);
}

static uint32_t sh8bench_head;

static void sh8bench_fill(void) {
  sh8bench_head = 0;
  for (int i = 0; i < SH8BENCH_WORKING_SET; i++) {
    table[i] = check(malloc(SH8BENCH_MIN + next_random(&stream) % (SH8BENCH_MAX - SH8BENCH_MIN)));
    table[i][0] = 1;
  }
}

/* The first half of the table is a ring, from head on; the other half are the elders. */
static uint64_t sh8bench(uint64_t count) {
  enum { RING = SH8BENCH_WORKING_SET / 2, BATCH = 64 };
  char **ring = table, **elders = table + RING;
  uint32_t random = stream, head = sh8bench_head;
  uint64_t done = 0;
  for (; done < count; done += BATCH) {
    int newest_first = next_random(&random) >> 31;
    if (newest_first) head -= BATCH;
    for (uint32_t i = 0; i < BATCH; i++) {
      char **slot = &ring[(head + (newest_first ? BATCH - 1 - i : i)) % RING];
      char *block = *slot;
      if (i % 8 == 0) {
        char **elder = &elders[next_random(&random) % RING];
        block = *elder;
        *elder = *slot;
      }
      seen = *block;
      free(block);
    }
    for (uint32_t i = 0; i < BATCH; i++) {
      char *block = check(malloc(sh8bench_size(next_random(&random))));
      *block = (char)i;
      ring[head++ % RING] = block;
    }
  }
  sh8bench_head = head;
  stream = random;
  return done;
}

/* Both the slot and the size are shifted right by 0 to 7 bits. */
static uint64_t alloc_test(uint64_t count) {
  uint32_t random = stream;
  for (uint64_t i = 0; i < count; i++) {
    uint32_t r = next_random(&random);
    char **slot = &table[r % ALLOC_TEST_WORKING_SET >> (r >> 29)];
    if (*slot) {
      seen = **slot;
      free(*slot);
      *slot = NULL;
    } else {
      uint32_t size = 1 + ((r >> 16) % 1024 >> (r >> 26) % 8);
      char *block = check(malloc(size));
      block[0] = (char)r;
      block[size - 1] = (char)r;
      *slot = block;
    }
  }
  stream = random;
  return count + clear();
}

static char *aligned(size_t alignment, size_t size) {
  void *block;
  return posix_memalign(&block, alignment, size) == 0 ? block : NULL;
}

/* Of 16 blocks, 6 are large, 5 of 1 to 2 KiB, 4 aligned, and 1 is small. */
static uint64_t slow_mix(uint64_t count) {
  uint32_t random = stream;
  for (uint64_t i = 0; i < count; i++) {
    uint32_t r = next_random(&random), amount = r >> 12 & 0xffff;
    char **slot = &table[r % SLOW_MIX_WORKING_SET], *block;
    if (*slot) {
      free(*slot);
      *slot = NULL;
      continue;
    }
    switch (r >> 28) {
      case 0: case 1: case 2: case 3: case 4: case 5:
        block = malloc(32769 + amount * 7 / 2);
        break;
      case 6: case 7: case 8: case 9: case 10:
        block = malloc(1024 + amount % 1024);
        break;
      case 11: case 12: case 13: case 14:
        block = aligned((size_t)2048 << amount % 4, 1 + amount / 16);
        break;
      default:
        block = malloc(1 + amount % 256);
    }
    *check(block) = (char)r;
    *slot = block;
  }
  stream = random;
  return count + clear();
}

static const struct {
  const char *name;
  void (*before)(void); /* the clock starts */
  uint64_t (*run)(uint64_t);
} workloads[] = {
    {"random-mixed", NULL, mixed},    {"hot-pair", NULL, hot_pair},     {"larson", larson_fill, larson},
    {"sh8bench", sh8bench_fill, sh8bench}, {"alloc-test", NULL, alloc_test}, {"slow-mix", NULL, slow_mix},
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Which library a function is of, with what is not plain written as %XX. */
static void tell(const char *name, void *function) {
  Dl_info info;
  const char *path = dladdr(function, &info) ? info.dli_fname : "";
  printf(" %s=", name);
  for (; *path; path++) printf(isalnum((unsigned char)*path) || strchr("/._-+", *path) ? "%c" : "%%%02X", (unsigned char)*path);
}

int main(int argc, char **argv) {
  size_t which = 0, count = sizeof workloads / sizeof workloads[0];
  char line[64];
  while (argc == 2 && which < count && strcmp(argv[1], workloads[which].name) != 0) which++;
  if (argc != 2 || which == count) {
    fprintf(stderr, "usage: %s random-mixed|hot-pair|larson|sh8bench|alloc-test|slow-mix\n", argv[0]);
    return 3;
  }
  setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
  signal(SIGINT, SIG_IGN); /* it ends with its stdin */
  printf("ready");
  tell("malloc", (void *)malloc), tell("free", (void *)free), tell("calloc", (void *)calloc), tell("realloc", (void *)realloc);
  tell("posix_memalign", (void *)posix_memalign), tell("aligned_alloc", (void *)aligned_alloc), tell("fgets", (void *)fgets);
  putchar('\n');
  while (fgets(line, sizeof line, stdin)) {
    uint64_t operations = strtoull(line, NULL, 10);
    if (workloads[which].before) workloads[which].before();
    double start = now();
    operations = workloads[which].run(operations);
    double end = now();
    clear();
    printf("%.0f %llu\n", end - start, (unsigned long long)operations);
  }
  return 0;
}
