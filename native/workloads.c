/*
 * The C twins of src/workloads, which are in the folder workloads: what a C program gets from its allocator.
 *
 * The program is compiled twice (workload.h): for the malloc that its process has, and for an allocator that does nothing.
 *
 * One process measures one allocator. It reads a request a line from stdin and answers each with one line on stdout:
 *
 *     run random-mixed units=10 size=128 working-set=8192 cycles=100000 seed=12345
 *     ok nanoseconds=51234567 operations=1004096 checksum=1f2e3d4c slot-checksum=5d6c7b8a tier=native
 *     latency random-mixed units=10 size=128 ...    of a program compiled with LATENCY, whose argument is a file with the
 *                                                   kinds of a unit's operations: src/lab/bench/latency.ts
 *     error malloc(128) gave NULL
 *
 * A unit is a fixed amount of work; the next one goes on where it ended. Operations and slot checksum are those of the
 * whole slot, the other checksum that of the first unit. The random stream, the order of the operations and the checksum
 * are those of the TypeScript twins, bit for bit: tests/workloads compares them. A file of src/workloads says what each
 * workload is, and src/workloads/workload.ts why units go on.
 *
 * LD_PRELOAD changes the malloc of a process; the first line says whose it is (identity.c).
 * The program itself allocates nothing while it is measured: slots are mapped, and stdio's buffers are static.
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

#include "identity.h"
#include "workloads/workload.h"

enum { LINE_BYTES = 1024 };

#if defined(DO_NOTHING)
/* The one block of the do-nothing allocator, as long as the largest that is written to its end. */
_Thread_local unsigned char nowhere[MAX_SIZE];
#endif

/* ---- the table, the clock and the line protocol ------------------------------------------------------------------ */

static const struct workload *const workloads[] = {
    &random_mixed, &hot_pair, &larson, &slow_mix,     &sh6bench,      &sh8bench,
    &alloc_test,   &mstress,  &rptest, &xmalloc_test, &cache_scratch, &cache_thrash,
};

/* A whole number in decimal; 0, which no parameter may be, if it is anything else. */
static uint32_t number_in(const char *text) {
  char *end = NULL;
  if (*text < '0' || *text > '9') return 0;
  const unsigned long long number = strtoull(text, &end, 10);
  return *end == '\0' && number <= UINT32_MAX ? (uint32_t)number : 0;
}

/* Reads ` name=value ...`; returns the name that is not known, or NULL. */
static const char *read_parameters(struct request *request, char *state) {
  const struct {
    const char *name;
    uint32_t *value;
  } known[] = {
      {"units", &request->units},     {"threads", &request->threads}, {"seed", &request->seed},
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
      *known[i].value = number_in(equals + 1);
      found = true;
    }
    if (!found) return word;
  }
  return NULL;
}

/* The command line checks for people; this keeps a wrong request from writing outside the slots. */
static bool is_sound(const struct workload *workload, const struct request *r) {
  return r->units > 0 && r->seed > 0 && r->working_set > 0 && (r->working_set & (r->working_set - 1)) == 0 &&
         r->working_set <= MAX_SLOTS / workload->slots_per_working_set && r->working_set >= workload->least_working_set &&
         r->cycles > 0 && r->rounds > 0 && r->size <= MAX_SIZE && r->chunks > 0 && r->chunks <= MAX_SLOTS &&
         r->size > 0 && (r->size & (r->size - 1)) == 0 && r->min > 1 && r->max > r->min &&
         r->threads > 0 && r->threads <= MAX_THREADS && (workload != &xmalloc_test || (r->threads & (r->threads - 1)) == 0);
}

#if !defined(LATENCY)

static void print_list(const char *name, const uint64_t *numbers, uint32_t count) {
  printf(" %s=", name);
  for (uint32_t i = 0; i < count; i++) printf(i == 0 ? "%" PRIu64 : ",%" PRIu64, numbers[i]);
}

static void answer(const struct workload *workload, const struct request *request) {
  struct slot slot;
  run_slot(workload, request, &slot);
  if (slot.failed_size != 0) {
    printf("error malloc(%" PRIu32 ") gave NULL\n", slot.failed_size);
    exit(1); /* the slots are still full: no later answer would be right */
  }
  printf("ok nanoseconds=%" PRIu64 " operations=%" PRIu64 " checksum=%08" PRIx32 " slot-checksum=%08" PRIx32
         " tier=native",
         slot.nanoseconds, slot.operations, slot.first_checksum, slot.checksum);
  if (request->threads > 1) {
    print_list("thread-nanoseconds", slot.thread_nanoseconds, request->threads);
    print_list("thread-operations", slot.thread_operations, request->threads);
  }
  putchar('\n');
}

#else

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "latency.h"

enum { WARM_NANOSECONDS = 100000000, MOST_ANSWER = 1 << 19 };

static enum latency_mode slot_mode;
static const uint8_t *kinds;
static uint32_t operations;

__attribute__((noinline)) void mark_begin(void) { latency_begin(); }

__attribute__((noinline)) void mark_end(void) {
  if (!latency_end()) return;
  mark_begin();
  latency_empty();
}

void mark_slot(bool is_begun) {
  if (is_begun) latency_replay(slot_mode);
  else latency.mode = LATENCY_OFF;
}

static bool open_kinds(const char *path) {
  struct stat status;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || fstat(file, &status) != 0 || status.st_size == 0) return false;
  kinds = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  operations = (uint32_t)status.st_size;
  return kinds != MAP_FAILED;
}

/* One unit from the seed; the operations must be those that are known, or none is what it is taken for. */
static void run_timed(const struct workload *workload, const struct request *request, enum latency_mode mode) {
  static struct slot slot;
  slot_mode = mode;
  run_slot(workload, request, &slot);
  if (slot.failed_size != 0) {
    printf("error malloc(%" PRIu32 ") gave NULL\n", slot.failed_size);
    exit(1);
  }
  if (mode == LATENCY_OFF || latency.event == operations) return;
  printf("error %" PRIu32 " operations, where %" PRIu32 " were expected\n", latency.event, operations);
  exit(1);
}

static void answer_latency(const struct workload *workload, struct request request) {
  const uint32_t units = request.units;
  request.units = 1;
  char *const text = latency_memory(MOST_ANSWER, 0);
  if (text == NULL || !latency_open(kinds, operations)) {
    puts("error the memory for the latencies cannot be had");
    return;
  }
  const uint64_t start = latency_nanoseconds(CLOCK_MONOTONIC);
  do run_timed(workload, &request, LATENCY_TIMED);
  while (latency_nanoseconds(CLOCK_MONOTONIC) - start < WARM_NANOSECONDS);
  latency_forget();
  run_timed(workload, &request, LATENCY_OFF);
  for (uint32_t unit = 0; unit < units; unit++) {
    latency_batch(unit, units);
    run_timed(workload, &request, LATENCY_TIMED);
  }
  run_timed(workload, &request, LATENCY_FAULTS);
  puts(latency_answer(text, MOST_ANSWER) < 0 ? "error the answer is too long" : text);
}

#endif

int main(int argc, char **argv) {
  static char line[LINE_BYTES], input[BUFSIZ], output[BUFSIZ];
  setvbuf(stdin, input, _IOFBF, sizeof input);
  setvbuf(stdout, output, _IOLBF, sizeof output);
  signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; the coordinator ends this process by closing stdin */

#if defined(LATENCY)
  if (argc != 2 || !open_kinds(argv[1])) {
    fprintf(stderr, "usage: %s KINDS\n", argv[0]);
    return 3;
  }
#else
  if (argc != 1) {
    fprintf(stderr, "usage: %s\n", argv[0]);
    return 3;
  }
#endif
#if defined(DO_NOTHING)
  puts("ready");
#else
  print_ready();
#endif

  while (fgets(line, sizeof line, stdin) != NULL) {
    char *state = NULL;
    const char *verb = strtok_r(line, " \n", &state), *name = strtok_r(NULL, " \n", &state);
    const struct workload *workload = NULL;
    for (size_t i = 0; name != NULL && i < sizeof workloads / sizeof *workloads; i++) {
      if (strcmp(name, workloads[i]->name) == 0) workload = workloads[i];
    }
    struct request request = {1, 1, 1, 16, 64, 1, 8, 128, 1, 1};
    const char *unknown = workload == NULL ? NULL : read_parameters(&request, state);
#if defined(LATENCY)
    const char *const wanted = "latency";
#else
    const char *const wanted = "run";
#endif
    if (verb == NULL || strcmp(verb, wanted) != 0) {
      printf("error expected: %s WORKLOAD name=value ...\n", wanted);
    } else if (workload == NULL) {
      printf("error unknown workload %s\n", name == NULL ? "" : name);
    } else if (unknown != NULL) {
      printf("error unknown parameter %s\n", unknown);
    } else if (!is_sound(workload, &request)) {
      puts("error a parameter is out of range");
    } else if (workload == &slow_mix && !brings("posix_memalign")) {
      puts("error the library has malloc but no posix_memalign, and its free must not get another one's blocks");
    } else {
#if defined(LATENCY)
      answer_latency(workload, request);
#else
      answer(workload, &request);
#endif
    }
  }
  return 0;
}
