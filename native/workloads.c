/*
 * The C twins of src/workloads: what a C program gets from its allocator.
 *
 *     workloads none|system
 *
 * One process measures one allocator. It reads a request a line from stdin and answers each with one line on stdout:
 *
 *     run random-mixed units=10 size=128 working-set=8192 cycles=100000 seed=12345
 *     ok nanoseconds=51234567 operations=1004096 checksum=1f2e3d4c slot-checksum=5d6c7b8a tier=native
 *     error malloc(128) gave NULL
 *
 * A unit is a fixed amount of work; the next one goes on where it ended. Operations and slot checksum are those of the
 * whole slot, the other checksum that of the first unit. The random stream, the order of the operations and the checksum
 * are those of the TypeScript twins, bit for bit: tests/workloads compares them. A file of src/workloads says what each
 * workload is, and src/workloads/workload.ts why units go on.
 *
 * The allocator is called through volatile function pointers, so that the compiler can neither fold a malloc/free pair
 * away nor inline the do-nothing one. `system` is whatever malloc this process has, so LD_PRELOAD changes it. The
 * program itself allocates nothing: slots and stdio's buffers are static.
 *
 * Portable C11 + POSIX clocks: tested on Linux x86-64; macOS should work, untested.
 */
#if !defined(__APPLE__)
#define _POSIX_C_SOURCE 200809L
#endif

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_SLOTS = 1 << 20, LINE_BYTES = 1024 };

/* ---- the allocators ------------------------------------------------------------------------------------------- */

static unsigned char nowhere[4096]; /* the one block of the do-nothing allocator: as long as the largest size */

static void *none_malloc(size_t size) {
  (void)size;
  return nowhere;
}

static void none_free(void *pointer) { (void)pointer; }

static void *none_allocate_aligned(size_t alignment, size_t size) {
  (void)alignment, (void)size;
  return nowhere;
}

/* Not aligned_alloc: C11 lets that refuse a size that is no multiple of the alignment. */
static void *system_allocate_aligned(size_t alignment, size_t size) {
  void *pointer = NULL;
  return posix_memalign(&pointer, alignment, size) == 0 ? pointer : NULL;
}

static void *(*volatile allocate)(size_t) = malloc;
static void *(*volatile allocate_aligned)(size_t, size_t) = system_allocate_aligned;
static void (*volatile release)(void *) = free;

/* ---- what a request asks for and an answer says ------------------------------------------------------------------ */

struct request {
  uint32_t units, seed;
  uint32_t size, working_set, cycles; /* random-mixed, hot-pair; without the size slow-mix */
  uint32_t min, max, chunks, rounds;  /* larson; max is exclusive */
};

/* What lasts from one unit to the next. */
struct state {
  uint32_t x, checksum;
  uint64_t operations;
  uint32_t failed_size; /* the malloc that gave NULL asked for this; 0 if none did */
};

static void *slots[MAX_SLOTS];
static void *volatile sink; /* what hot-pair's pointers end in */

static inline uint32_t xorshift32(uint32_t x) {
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return x;
}

/* 31 bits, not 32: V8 divides small integers as integers and larger ones as doubles, and the twins must agree. */
static inline uint32_t below(uint32_t x, uint32_t range) { return (x >> 1) % range; }

static inline unsigned char volatile *bytes_of(void *pointer) { return pointer; }

/* ---- random-mixed ------------------------------------------------------------------------------------------------ */

static void random_mixed_begin(const struct request *request, struct state *state) {
  *state = (struct state){.x = request->seed};
}

static void random_mixed(const struct request *request, struct state *state) {
  const uint32_t slot_mask = request->working_set - 1, size_mask = request->size - 1;
  uint32_t x = state->x, checksum = state->checksum;
  for (uint32_t cycle = 0; cycle < request->cycles; cycle++) {
    x = xorshift32(x);
    const uint32_t slot = x & slot_mask;
    void *pointer = slots[slot];
    if (pointer != NULL) {
      release(pointer);
      slots[slot] = NULL;
      checksum ^= x;
    } else {
      const uint32_t size = 1 + ((x >> 20) & size_mask);
      pointer = allocate(size);
      if (pointer == NULL) {
        state->failed_size = size;
        return;
      }
      *bytes_of(pointer) = (unsigned char)x;
      slots[slot] = pointer;
      checksum = (checksum + x) ^ size;
    }
  }
  state->x = x;
  state->checksum = checksum;
  state->operations += request->cycles;
}

static void random_mixed_drain(const struct request *request, struct state *state) {
  for (uint32_t slot = 0; slot < request->working_set; slot++) {
    void *pointer = slots[slot];
    if (pointer == NULL) continue;
    release(pointer);
    slots[slot] = NULL;
    state->checksum += slot;
    state->operations++;
  }
}

/* ---- hot-pair ---------------------------------------------------------------------------------------------------- */

static void hot_pair_begin(const struct request *request, struct state *state) {
  *state = (struct state){.checksum = request->seed};
}

static void hot_pair(const struct request *request, struct state *state) {
  const uint32_t size = request->size;
  uint32_t checksum = state->checksum;
  void *last = NULL;
  for (uint32_t cycle = 0; cycle < request->cycles; cycle++) {
    void *pointer = allocate(size);
    release(pointer);
    last = pointer;
    checksum += size;
  }
  sink = last;
  state->checksum = checksum;
  state->operations += 2 * (uint64_t)request->cycles;
  if (last == NULL) state->failed_size = size;
}

/* ---- larson ------------------------------------------------------------------------------------------------------ */

static void larson_fill(const struct request *request, struct state *state) {
  const uint32_t range = request->max - request->min;
  uint32_t x = request->seed;
  for (uint32_t chunk = 0; chunk < request->chunks; chunk++) {
    x = xorshift32(x);
    const uint32_t size = request->min + below(x, range);
    slots[chunk] = allocate(size);
    if (slots[chunk] == NULL) {
      state->failed_size = size;
      return;
    }
  }
  for (uint32_t left = request->chunks; left > 0; left--) {
    x = xorshift32(x);
    const uint32_t victim = below(x, left);
    void *swapped = slots[victim];
    slots[victim] = slots[left - 1];
    slots[left - 1] = swapped;
  }
  *state = (struct state){.x = x};
}

static void larson(const struct request *request, struct state *state) {
  const uint32_t range = request->max - request->min, chunks = request->chunks, min = request->min;
  const uint64_t operations = (uint64_t)request->rounds * chunks;
  uint32_t x = state->x, checksum = state->checksum;
  for (uint64_t operation = 0; operation < operations; operation++) {
    x = xorshift32(x);
    const uint32_t victim = below(x, chunks);
    release(slots[victim]);
    x = xorshift32(x);
    const uint32_t size = min + below(x, range);
    void *pointer = allocate(size);
    if (pointer == NULL) {
      state->failed_size = size;
      return;
    }
    slots[victim] = pointer;
    unsigned char volatile *bytes = bytes_of(pointer);
    bytes[0] = 'a';
    (void)bytes[0]; /* volatile: the read happens */
    bytes[1] = 'b';
    checksum = ((checksum + victim) ^ x) + size;
  }
  state->x = x;
  state->checksum = checksum;
  state->operations += operations;
}

static void larson_end(const struct request *request) {
  for (uint32_t chunk = 0; chunk < request->chunks; chunk++) {
    release(slots[chunk]);
    slots[chunk] = NULL;
  }
}

/* ---- slow-mix ---------------------------------------------------------------------------------------------------- */

/* Of 16 kinds of blocks, where each sort ends; the small ones are what is left. */
enum { LARGE_KINDS = 6, LARGEST_CLASS_KINDS = 11, ALIGNED_KINDS = 15 };

static void slow_mix(const struct request *request, struct state *state) {
  const uint32_t slot_mask = request->working_set - 1;
  uint32_t x = state->x, checksum = state->checksum;
  for (uint32_t cycle = 0; cycle < request->cycles; cycle++) {
    x = xorshift32(x);
    const uint32_t slot = x & slot_mask;
    void *pointer = slots[slot];
    if (pointer != NULL) {
      release(pointer);
      slots[slot] = NULL;
      checksum ^= x;
      continue;
    }
    const uint32_t amount = (x >> 12) & 0xffff, kind = x >> 28;
    uint32_t size;
    if (kind < LARGE_KINDS) {
      size = 32769 + amount * 3 + (amount >> 1);
      pointer = allocate(size);
    } else if (kind < LARGEST_CLASS_KINDS) {
      size = 1024 + (amount & 1023);
      pointer = allocate(size);
    } else if (kind < ALIGNED_KINDS) {
      size = 1 + (amount >> 4);
      pointer = allocate_aligned((size_t)2048 << (amount & 3), size);
    } else {
      size = 1 + (amount & 255);
      pointer = allocate(size);
    }
    if (pointer == NULL) {
      state->failed_size = size;
      return;
    }
    *bytes_of(pointer) = (unsigned char)x;
    slots[slot] = pointer;
    checksum = (checksum + x) ^ size;
  }
  state->x = x;
  state->checksum = checksum;
  state->operations += request->cycles;
}

/* ---- the table, the clock and the line protocol ------------------------------------------------------------------ */

struct workload {
  const char *name;
  void (*begin)(const struct request *, struct state *); /* before the clock starts */
  void (*unit)(const struct request *, struct state *);
  void (*drain)(const struct request *, struct state *); /* after the last unit, on the clock; or NULL */
  void (*end)(const struct request *);                   /* after the clock has stopped; or NULL */
};

static const struct workload workloads[] = {
    {"random-mixed", random_mixed_begin, random_mixed, random_mixed_drain, NULL},
    {"hot-pair", hot_pair_begin, hot_pair, NULL, NULL},
    {"larson", larson_fill, larson, NULL, larson_end},
    {"slow-mix", random_mixed_begin, slow_mix, random_mixed_drain, NULL},
};

static uint64_t monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Reads ` name=value ...`; returns the name that is not known, or NULL. */
static const char *read_parameters(struct request *request, char *state) {
  const struct {
    const char *name;
    uint32_t *value;
  } known[] = {
      {"units", &request->units},     {"seed", &request->seed},
      {"size", &request->size},       {"working-set", &request->working_set},
      {"cycles", &request->cycles},   {"min", &request->min},
      {"max", &request->max},         {"chunks", &request->chunks},
      {"larson-rounds", &request->rounds},
  };
  for (char *word; (word = strtok_r(NULL, " \n", &state)) != NULL;) {
    char *equals = strchr(word, '=');
    if (equals == NULL) return word;
    *equals = '\0';
    bool found = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
      if (strcmp(word, known[i].name) != 0) continue;
      *known[i].value = (uint32_t)strtoul(equals + 1, NULL, 10);
      found = true;
    }
    if (!found) return word;
  }
  return NULL;
}

/* The command line checks for people; this keeps a wrong request from writing outside the slots. */
static bool is_sound(const struct request *r) {
  return r->units > 0 && r->seed > 0 && r->working_set <= MAX_SLOTS && r->chunks <= MAX_SLOTS && r->working_set > 0 &&
         r->chunks > 0 && (r->working_set & (r->working_set - 1)) == 0 && (r->size & (r->size - 1)) == 0 &&
         r->size > 0 && r->min > 1 && r->max > r->min;
}

static void answer(const struct workload *workload, const struct request *request) {
  struct state state = {0, 0, 0, 0};
  uint32_t first_checksum = 0;
  workload->begin(request, &state);
  const uint64_t start = monotonic_nanoseconds();
  for (uint32_t i = 0; i < request->units && state.failed_size == 0; i++) {
    workload->unit(request, &state);
    if (i == 0) first_checksum = state.checksum;
  }
  if (workload->drain != NULL && state.failed_size == 0) workload->drain(request, &state);
  const uint64_t nanoseconds = monotonic_nanoseconds() - start;
  if (state.failed_size != 0) {
    printf("error malloc(%" PRIu32 ") gave NULL\n", state.failed_size);
    exit(1); /* the slots are still full: no later answer would be right */
  }
  if (workload->end != NULL) workload->end(request);
  printf("ok nanoseconds=%" PRIu64 " operations=%" PRIu64 " checksum=%08" PRIx32 " slot-checksum=%08" PRIx32
         " tier=native\n",
         nanoseconds, state.operations, first_checksum, state.checksum);
}

int main(int argc, char **argv) {
  static char line[LINE_BYTES], input[BUFSIZ], output[BUFSIZ];
  setvbuf(stdin, input, _IOFBF, sizeof input);
  setvbuf(stdout, output, _IOLBF, sizeof output);
  signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; the coordinator ends this process by closing stdin */

  if (argc != 2 || (strcmp(argv[1], "none") != 0 && strcmp(argv[1], "system") != 0)) {
    fprintf(stderr, "usage: %s none|system\n", argv[0]);
    return 3;
  }
  if (strcmp(argv[1], "none") == 0) {
    allocate = none_malloc;
    allocate_aligned = none_allocate_aligned;
    release = none_free;
  }
  puts("ready");

  while (fgets(line, sizeof line, stdin) != NULL) {
    char *state = NULL;
    const char *verb = strtok_r(line, " \n", &state), *name = strtok_r(NULL, " \n", &state);
    const struct workload *workload = NULL;
    for (size_t i = 0; name != NULL && i < sizeof workloads / sizeof *workloads; i++) {
      if (strcmp(name, workloads[i].name) == 0) workload = &workloads[i];
    }
    struct request request = {1, 1, 16, 64, 1, 8, 128, 1, 1};
    const char *unknown = workload == NULL ? NULL : read_parameters(&request, state);
    if (verb == NULL || strcmp(verb, "run") != 0) {
      puts("error expected: run WORKLOAD name=value ...");
    } else if (workload == NULL) {
      printf("error unknown workload %s\n", name == NULL ? "" : name);
    } else if (unknown != NULL) {
      printf("error unknown parameter %s\n", unknown);
    } else if (!is_sound(&request)) {
      puts("error a parameter is out of range");
    } else {
      answer(workload, &request);
    }
  }
  return 0;
}
