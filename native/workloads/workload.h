/*
 * What a workload in C is: a row of the table in ../workloads.c, and a loop over an allocator. It is the twin of the file
 * of its name in src/workloads, which says what it does, with the same random stream, order and checksum.
 *
 * One request starts from the seed and runs units of a fixed amount of work; each goes on where the one before it ended.
 */
#pragma once

#if !defined(__APPLE__) && !defined(_DEFAULT_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { MAX_SLOTS = 1 << 20, MAX_SIZE = 4096 };

/* The parameters of all workloads; each reads its own. */
struct request {
  uint32_t units, threads, seed;
  uint32_t size, working_set, cycles;
  uint32_t min, max, chunks, rounds; /* max is exclusive */
};

/* What lasts from one unit to the next: of a thread, or of a set of blocks that threads hand to one another. */
struct state {
  void **slots;   /* the blocks that are live; NULL where there is none */
  uint32_t *rows; /* mstress: by place, where the slots of the object begin */
  uint32_t x, checksum;
  uint64_t operations;
  uint32_t failed_size; /* the malloc that gave NULL asked for this; 0 if none did */
  uint32_t position;    /* sh6bench and sh8bench: where the ring begins; rptest: how many blocks are live */
  uint32_t thread, threads;
  struct common *common;
};

/* Batches of xmalloc-test that change hands, and a ring of so many for each producer. */
enum { BATCH_BLOCKS = 256, RING_BATCHES = 64, MAX_THREADS = 64, MAX_PRODUCERS = MAX_THREADS / 2 };

/* What the threads of a workload share that work together. */
struct common {
  void *gifts[MAX_THREADS];
  void *rings[MAX_PRODUCERS][RING_BATCHES * BATCH_BLOCKS];
  struct {
    _Alignas(128) atomic_uint is_full;
  } batches[MAX_PRODUCERS][RING_BATCHES];
  atomic_bool *failed; /* whether a thread has */
};

/* How blocks cross from one thread to another: src/workloads/workload.ts. */
enum crossing { APART, SUCCESSORS, TOGETHER };

struct workload {
  const char *name;
  void (*begin)(const struct request *, struct state *); /* before the clock starts */
  void (*unit)(const struct request *, struct state *);
  void (*drain)(const struct request *, struct state *); /* after the last unit, on the clock; or NULL */
  void (*end)(const struct request *, struct state *);   /* after the clock has stopped; or NULL */
  uint32_t slots_per_working_set;                        /* how many slots one of the working set takes */
  uint32_t least_working_set;                            /* or 0: with less it would free a block twice */
  enum crossing crossing;
};

extern const struct workload alloc_test, cache_scratch, cache_thrash, hot_pair, larson, mstress, random_mixed, rptest,
    sh6bench, sh8bench, slow_mix, xmalloc_test;

/*
 * The allocator that is measured. The program is compiled twice: for malloc and free, which it calls as any C program
 * does, and with DO_NOTHING, which is inlined as V8 inlines its own; and once more with LATENCY, between marks (../latency.h).
 * The empty statements of assembly keep an iteration an iteration: the compiler may neither drop the loop nor compute several at
 * once.
 */
#if defined(DO_NOTHING)
extern _Thread_local unsigned char nowhere[MAX_SIZE];

static inline void *allocate(size_t size) {
  (void)size;
  __asm__ volatile("");
  return nowhere;
}

static inline void release(void *pointer) {
  (void)pointer;
  __asm__ volatile("");
}

static inline void *allocate_aligned(size_t alignment, size_t size) {
  (void)alignment;
  return allocate(size);
}
#elif defined(LATENCY)
void mark_begin(void);
void mark_end(void);

static inline void *allocate(size_t size) {
  mark_begin();
  void *pointer = malloc(size);
  mark_end();
  return pointer;
}

static inline void release(void *pointer) {
  mark_begin();
  free(pointer);
  mark_end();
}

static inline void *allocate_aligned(size_t alignment, size_t size) {
  void *pointer = NULL;
  mark_begin();
  const int error = posix_memalign(&pointer, alignment, size);
  mark_end();
  return error == 0 ? pointer : NULL;
}
#else
static inline void *allocate(size_t size) { return malloc(size); }

static inline void release(void *pointer) { free(pointer); }

/* Not aligned_alloc: C11 lets that refuse a size that is not a multiple of the alignment. */
static inline void *allocate_aligned(size_t alignment, size_t size) {
  void *pointer = NULL;
  return posix_memalign(&pointer, alignment, size) == 0 ? pointer : NULL;
}
#endif

static inline uint32_t xorshift32(uint32_t x) {
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return x;
}

/* A random number scaled to a range, which is at most 2^20. */
static inline uint32_t below(uint32_t x, uint32_t range) { return (uint32_t)((uint64_t)(x >> 10) * range >> 22); }

/* The same of 16 random bits, to a range of at most 2^16. */
static inline uint32_t scale16(uint32_t bits, uint32_t range) { return bits * range >> 16; }

static inline unsigned char volatile *bytes_of(void *pointer) { return pointer; }

/* What a slot came to. */
struct slot {
  uint64_t nanoseconds, operations;
  uint32_t first_checksum, checksum; /* after the first unit, and after all; those of several runners folded, in order */
  uint32_t failed_size;              /* the malloc that gave NULL asked for this; 0 if none did */
  uint64_t thread_nanoseconds[MAX_THREADS], thread_operations[MAX_THREADS];
};

/* Between the beginning of a slot, whose operations do not count, and its end, likewise. */
#if defined(LATENCY)
void mark_slot(bool is_begun);
#else
static inline void mark_slot(bool is_begun) { (void)is_begun; }
#endif

/* Runs a slot: `units` of each thread, or of each set of blocks. */
void run_slot(const struct workload *workload, const struct request *request, struct slot *slot);

/* Waits until a number is `value`, which another thread will say; false if a thread has failed meanwhile. */
bool await_value(atomic_uint *number, uint32_t value, const atomic_bool *failed);

/* Begins with empty slots and the seed. */
void begin_empty(const struct request *request, struct state *state);

/* Begins with `count` slots that are full: sizes from min to below max, first bytes written. False, and the size, if a
 * malloc gave NULL. */
bool begin_full(const struct request *request, struct state *state, uint32_t count);

/* How workloads that began empty end: frees what the slots of the working set hold, and counts it. */
void drain_slots(const struct request *request, struct state *state);

/* How workloads that began full end: frees `count` slots, and counts nothing. */
void release_slots(struct state *state, uint32_t count);
