/*
 * How long single operations take: the clock, the histogram and the evidence, the same for programs in C (replay.c with
 * LATENCY) and in TypeScript (latency.c, called through FFI). src/lab/latency/latency.ts says what becomes of it.
 *
 * The clock is the processor's counter (TSC; cntvct_el0 on aarch64, untested), with fences on both sides: all that came
 * before is done when it starts, and the operation is when it stops. So an operation is timed alone: it costs more than in
 * a loop, where it overlaps with what is around it, and its cache misses are in its time. What the clock takes itself is
 * known from empty intervals, one after every EMPTY_EVERY operations, which are counted like operations.
 *
 * A bucket of the histogram is a tick wide below 2 * SUBBUCKETS ticks, then a SUBBUCKETS-th of its power of two: its middle
 * is within 1.6 % of all that is in it. Nothing is allocated while operations are recorded, and recording one writes to
 * three lines of cache that the allocator does not have.
 *
 * Evidence of what made an operation long: V8's traces of its collector and its compilers, which are stamped as they are
 * written; the time that the thread was not running, since it was last looked, at most LOOK_EVERY operations before; the
 * shortest time of the same event in other replays; and in one replay more, whose times do not count, the page faults of
 * each event.
 */
#pragma once

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif
#if defined(__GLIBC__)
#include <stdio_ext.h>
#endif
#if !defined(RUSAGE_THREAD)
#define RUSAGE_THREAD RUSAGE_SELF
#endif

enum { LATENCY_KINDS = 7, LATENCY_EMPTY = 6 }; /* malloc, free, realloc: 2 * operation + (is large) */
enum { SUBBUCKETS = 32, LATENCY_BUCKETS = SUBBUCKETS * 40 };
enum { EMPTY_EVERY = 16, LOOK_EVERY = 1024, BATCHES = 5 };
/* A block is large beyond so many bytes: our heap serves it from spans then. */
enum { LATENCY_LARGE = 32768 };
/* What becomes of the operations of a replay: nothing, they are timed, or their page faults are counted. */
enum latency_mode { LATENCY_OFF, LATENCY_TIMED, LATENCY_FAULTS };

/* The longest operation of a kind, and what was known when it had ended. */
struct longest {
  uint64_t ticks, idle; /* not running: of the operations since it was last looked */
  uint32_t event;
  bool collected, compiled; /* V8 said so while it lasted */
};

static struct {
  uint64_t started;
  enum latency_mode mode;
  uint32_t event, events, look_due, batch;
  const uint8_t *kinds; /* by event */
  uint32_t *least;      /* by event: its shortest time */
  uint16_t *faults;     /* by event */
  uint32_t *each;       /* by event, if anybody asked: of the latest replay, as latency_end() has it */
  uint64_t faults_before;
  uint64_t wall, processor; /* nanoseconds, when it was last looked */
  volatile uint64_t collected_at, compiled_at;
  uint64_t opened_ticks, opened_nanoseconds;
  uint32_t step; /* of the clock, in ticks */
  uint32_t counts[BATCHES][LATENCY_KINDS][LATENCY_BUCKETS];
  struct longest longest[LATENCY_KINDS];
} latency;

static inline uint64_t latency_nanoseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Behind all that came before, and before all that follows. */
static inline uint64_t latency_ticks(void) {
#if defined(__x86_64__)
  _mm_lfence();
  const uint64_t ticks = __rdtsc();
  _mm_lfence();
  return ticks;
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("isb; mrs %0, cntvct_el0; isb" : "=r"(ticks)::"memory");
  return ticks;
#else
  return latency_nanoseconds(CLOCK_MONOTONIC);
#endif
}

static inline uint32_t latency_bucket(uint64_t ticks) {
  if (ticks < 2 * SUBBUCKETS) return (uint32_t)ticks;
  if (ticks >> 44 != 0) return LATENCY_BUCKETS - 1;
  const uint32_t shift = 58 - (uint32_t)__builtin_clzll(ticks); /* 5 bits are left behind the first */
  return shift * SUBBUCKETS + (uint32_t)(ticks >> shift);
}

static uint64_t latency_faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
}

static inline uint32_t latency_kind(uint32_t operation, uint64_t size) {
  return 2 * operation + (size > LATENCY_LARGE);
}

/* Nanoseconds that the thread was not running since it was last looked. */
static uint64_t latency_look(void) {
  const uint64_t wall = latency_nanoseconds(CLOCK_MONOTONIC), processor = latency_nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  const uint64_t passed = wall - latency.wall, ran = processor - latency.processor;
  latency.wall = wall;
  latency.processor = processor;
  latency.look_due = LOOK_EVERY;
  return passed > ran ? passed - ran : 0;
}

static __attribute__((noinline)) void latency_longest(uint32_t kind, uint64_t ticks) {
  latency.longest[kind] = (struct longest){
      .ticks = ticks,
      .idle = latency_look(),
      .event = latency.event,
      .collected = latency.collected_at >= latency.started,
      .compiled = latency.compiled_at >= latency.started,
  };
}

static inline void latency_record(uint32_t kind, uint64_t ticks) {
  latency.counts[latency.batch][kind][latency_bucket(ticks)]++;
  if (__builtin_expect(ticks > latency.longest[kind].ticks, 0)) latency_longest(kind, ticks);
}

static inline void latency_begin(void) {
  if (__builtin_expect(latency.mode == LATENCY_FAULTS, 0)) latency.faults_before = latency_faults();
  latency.started = latency_ticks();
}

static inline void latency_empty(void) {
  const uint64_t ticks = latency_ticks() - latency.started;
  if (latency.mode == LATENCY_TIMED) latency_record(LATENCY_EMPTY, ticks);
}

/* Ticks of one operation, and in the highest bit whether V8 wrote a trace while it lasted. */
static uint32_t latency_shown(uint64_t ticks) {
  const bool is_disturbed = latency.collected_at >= latency.started || latency.compiled_at >= latency.started;
  return (ticks > INT32_MAX ? INT32_MAX : (uint32_t)ticks) | (uint32_t)is_disturbed << 31;
}

/* The end of the operation of the next event. Returns whether an empty interval is due. */
static inline uint32_t latency_end(void) {
  const uint64_t ticks = latency_ticks() - latency.started;
  const uint32_t event = latency.event;
  if (latency.mode == LATENCY_OFF || event >= latency.events) return 0;
  if (latency.mode == LATENCY_TIMED) {
    const uint32_t shown = ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
    if (shown < latency.least[event]) latency.least[event] = shown;
    if (__builtin_expect(latency.each != NULL, 0)) latency.each[event] = latency_shown(ticks);
    latency_record(latency.kinds[event], ticks);
    if (--latency.look_due == 0) latency_look();
  } else {
    const uint64_t faults = latency_faults() - latency.faults_before;
    latency.faults[event] = faults > UINT16_MAX ? UINT16_MAX : (uint16_t)faults;
    if (latency.each != NULL) latency.each[event] = latency.faults[event];
  }
  latency.event = event + 1;
  return (event & (EMPTY_EVERY - 1)) == 0;
}

/*
 * The replays that follow are one of so many, in order: they are counted in BATCHES, one after the other. What disturbs the
 * machine for a while is in one or two of those.
 */
static void latency_batch(uint32_t replay, uint32_t replays) {
  latency.batch = (uint32_t)((uint64_t)replay * BATCHES / replays);
}

/* The operations that follow are those of the first event and on. */
static void latency_replay(enum latency_mode mode) {
  latency.mode = mode;
  latency.event = 0;
  latency_look();
}

/* Memory that no allocator knows of, in memory at once: else its page faults would be taken for the operations'. */
static void *latency_memory(size_t bytes, int value) {
  void *const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  return memset(memory, value, bytes);
}

/* What all differences of the clock are a multiple of. */
static uint32_t latency_step(void) {
  uint64_t step = 0;
  for (int tries = 0; tries < 10000; tries++) {
    const uint64_t before = latency_ticks();
    for (uint64_t other = latency_ticks() - before; other != 0;) {
      const uint64_t rest = step % other;
      step = other;
      other = rest;
    }
  }
  return (uint32_t)step;
}

/* Makes ready for operations of these kinds, by event; they stay the caller's. */
static bool latency_open(const uint8_t *kinds, uint32_t events) {
  latency.kinds = kinds;
  latency.events = events;
  latency.least = latency_memory((size_t)events * sizeof *latency.least, 0xff);
  latency.faults = latency_memory((size_t)events * sizeof *latency.faults, 0);
  latency.step = latency_step();
  return latency.least != NULL && latency.faults != NULL;
}

/*
 * Forgets what was recorded. A warm-up is timed, too, and forgotten: a branch that is first taken when the times count
 * would have V8 compile anew. The replay that follows should not count, since all this was written through the caches.
 */
static void latency_forget(void) {
  memset(latency.least, 0xff, (size_t)latency.events * sizeof *latency.least);
  memset(latency.counts, 0, sizeof latency.counts);
  memset(latency.longest, 0, sizeof latency.longest);
  latency.opened_ticks = latency_ticks();
  latency.opened_nanoseconds = latency_nanoseconds(CLOCK_MONOTONIC);
}

/* The answer's line, which src/lab/latency/protocol.ts describes. Returns its length. */
static int latency_answer(char *text, int capacity) {
  const uint64_t ticks = latency_ticks() - latency.opened_ticks;
  const uint64_t passed = latency_nanoseconds(CLOCK_MONOTONIC) - latency.opened_nanoseconds;
  int length = snprintf(text, (size_t)capacity, "ok ticks=%" PRIu64 " nanoseconds=%" PRIu64 " step=%" PRIu32, ticks, passed,
                        latency.step);
  for (uint32_t kind = 0; kind < LATENCY_KINDS && length < capacity; kind++) {
    const struct longest *const longest = &latency.longest[kind];
    if (longest->ticks == 0) continue;
    const bool is_event = kind != LATENCY_EMPTY;
    length += snprintf(text + length, (size_t)(capacity - length),
                       " longest-%" PRIu32 "=%" PRIu64 ",%" PRIu32 ",%" PRIu32 ",%u,%" PRIu64 ",%d,%d counts-%" PRIu32 "=",
                       kind, longest->ticks, longest->event, is_event ? latency.least[longest->event] : 0,
                       is_event ? (unsigned)latency.faults[longest->event] : 0, longest->idle, longest->collected,
                       longest->compiled, kind);
    for (uint32_t batch = 0; batch < BATCHES; batch++) {
      const char *separator = batch == 0 ? "" : "/";
      for (uint32_t bucket = 0; bucket < LATENCY_BUCKETS && length < capacity; bucket++) {
        const uint32_t count = latency.counts[batch][kind][bucket];
        if (count == 0) continue;
        length += snprintf(text + length, (size_t)(capacity - length), "%s%" PRIu32 ":%" PRIu32, separator, bucket, count);
        separator = ",";
      }
    }
  }
  return length < capacity ? length : -1;
}
