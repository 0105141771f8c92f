/*
 * How a slot is run, by one thread or by several: src/lab/contestant/crew/member.ts says what they do, and
 * src/workloads/workload.ts how blocks cross from one to another. The first thread is the one that calls; the others
 * are started when they are first needed, and sleep between slots. A process that was never asked for more than one
 * never has more, so that its allocator does without locks.
 */
#if !defined(__APPLE__)
#define _DEFAULT_SOURCE
#endif

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "workload.h"

#if !defined(MAP_NORESERVE)
#define MAP_NORESERVE 0
#endif

enum { MAX_SETS = MAX_THREADS + 1, SPINS = 2000, YIELDS = 100, NAP_NANOSECONDS = 50000 };

/* One runner: of a thread, or of a set. */
struct runner {
  _Alignas(128) struct state state;
  struct request request; /* with a seed of its own */
  uint32_t first_checksum;
  atomic_uint is_taken, units; /* of a set */
};

static struct runner runners[MAX_SETS];
static struct common common;

/* The slot that is run. */
static const struct workload *workload;
static uint32_t threads, units, sets;
static struct slot *result;
static atomic_uint ready, started, done;
static atomic_bool failed;

/* Where the other threads sleep. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static uint32_t slots_begun, threads_started = 1;
static uint32_t seen[MAX_THREADS]; /* by thread: slots that had begun when it last woke */

static uint64_t monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pause_after(uint32_t tries) {
  const struct timespec nap = {0, NAP_NANOSECONDS};
  if (tries < SPINS) return;
  if (tries < SPINS + YIELDS) sched_yield();
  else nanosleep(&nap, NULL);
}

bool await_value(atomic_uint *number, uint32_t value, const atomic_bool *has_failed) {
  for (uint32_t tries = 0; atomic_load(number) != value; tries++) {
    if (tries >= SPINS && atomic_load(has_failed)) return false;
    pause_after(tries);
  }
  return true;
}

/* Address space that costs nothing until it is touched, and that the allocator does not know of. */
static void *zeros(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory != MAP_FAILED) return memory;
  fputs("there is no address space for the slots\n", stderr);
  exit(1);
}

static bool has_sets(void) { return threads > 1 && workload->crossing == SUCCESSORS; }

static void fail(const struct state *state) {
  result->failed_size = state->failed_size;
  atomic_store(&failed, true);
}

static void begin_part(uint32_t thread) {
  for (uint32_t i = thread; i < sets; i += threads) {
    struct runner *runner = &runners[i];
    workload->begin(&runner->request, &runner->state);
    if (runner->state.failed_size != 0) fail(&runner->state);
  }
}

/* A unit; the last one is followed by what the workload does at its end. */
static bool run_unit(struct runner *runner, uint32_t unit) {
  struct state *state = &runner->state;
  workload->unit(&runner->request, state);
  if (unit == 0) runner->first_checksum = state->checksum;
  if (unit == units - 1 && workload->drain != NULL && state->failed_size == 0) workload->drain(&runner->request, state);
  if (state->failed_size != 0) fail(state);
  return !atomic_load_explicit(&failed, memory_order_relaxed);
}

/* The first set after `last` that no thread has, and that has not had all its units; -1 if there is none. */
static int take_set(uint32_t last) {
  for (uint32_t step = 1; step <= sets; step++) {
    const uint32_t set = (last + step) % sets;
    uint32_t free = 0;
    if (atomic_load(&runners[set].units) >= units) continue;
    if (!atomic_compare_exchange_strong(&runners[set].is_taken, &free, 1)) continue;
    if (atomic_load(&runners[set].units) < units) return (int)set;
    atomic_store(&runners[set].is_taken, 0);
  }
  return -1;
}

static void run_part(uint32_t thread) {
  const uint64_t start = monotonic_nanoseconds();
  uint64_t operations = 0;
  if (has_sets()) {
    for (int set = take_set(thread + sets - 1); set >= 0; set = take_set((uint32_t)set)) {
      struct runner *runner = &runners[set];
      const uint64_t before = runner->state.operations;
      const bool is_right = run_unit(runner, atomic_load(&runner->units));
      operations += runner->state.operations - before;
      atomic_fetch_add(&runner->units, 1);
      atomic_store(&runner->is_taken, 0);
      if (!is_right) break;
    }
  } else {
    struct runner *runner = &runners[thread];
    for (uint32_t unit = 0; unit < units && run_unit(runner, unit); unit++);
    operations = runner->state.operations;
  }
  result->thread_nanoseconds[thread] = monotonic_nanoseconds() - start;
  result->thread_operations[thread] = operations;
}

static void end_part(uint32_t thread) {
  if (workload->end == NULL || atomic_load(&failed)) return;
  for (uint32_t i = thread; i < sets; i += threads) workload->end(&runners[i].request, &runners[i].state);
}

/* A thread but the first. */
static void *serve(void *argument) {
  const uint32_t thread = (uint32_t)(uintptr_t)argument;
  for (;;) {
    pthread_mutex_lock(&lock);
    while (slots_begun == seen[thread]) pthread_cond_wait(&wake, &lock);
    seen[thread] = slots_begun;
    pthread_mutex_unlock(&lock);
    if (thread >= threads) continue;
    begin_part(thread);
    atomic_fetch_add(&ready, 1);
    if (await_value(&started, 1, &failed)) run_part(thread);
    atomic_fetch_add(&done, 1);
    if (await_value(&started, 2, &failed)) end_part(thread);
    atomic_fetch_add(&ready, 1);
  }
  return NULL;
}

static void prepare(const struct request *request) {
  for (uint32_t i = 0; i < sets; i++) {
    struct runner *runner = &runners[i];
    if (runner->state.slots == NULL) {
      runner->state.slots = zeros(MAX_SLOTS * sizeof(void *));
      runner->state.rows = zeros(MAX_SLOTS / 8 * sizeof(uint32_t));
    }
    runner->request = *request;
    runner->request.seed = (uint32_t)(((uint64_t)request->seed - 1 + i) % 0xffffffffu) + 1;
    runner->state.failed_size = 0;
    runner->state.thread = i;
    runner->state.threads = threads;
    runner->state.common = &common;
    atomic_store(&runner->is_taken, 0);
    atomic_store(&runner->units, 0);
  }
  common.failed = &failed;
  atomic_store(&failed, false);
  atomic_store(&ready, 0);
  atomic_store(&started, 0);
  atomic_store(&done, 0);
}

static void start_threads(void) {
  for (; threads_started < threads; threads_started++) {
    pthread_t thread;
    seen[threads_started] = slots_begun;
    if (pthread_create(&thread, NULL, serve, (void *)(uintptr_t)threads_started) != 0) {
      puts("error the system has no more threads");
      exit(1);
    }
  }
  pthread_mutex_lock(&lock);
  slots_begun++;
  pthread_cond_broadcast(&wake);
  pthread_mutex_unlock(&lock);
}

void run_slot(const struct workload *which, const struct request *request, struct slot *slot) {
  *slot = (struct slot){0};
  workload = which;
  threads = request->threads;
  units = request->units;
  result = slot;
  sets = has_sets() ? threads + 1 : threads;
  prepare(request);
  begin_part(0);
  if (threads > 1 && !atomic_load(&failed)) {
    start_threads();
    await_value(&ready, threads - 1, &failed);
  }
  if (atomic_load(&failed)) return;
  const uint64_t start = monotonic_nanoseconds();
  atomic_store(&started, 1);
  mark_slot(true);
  run_part(0);
  mark_slot(false);
  await_value(&done, threads - 1, &failed);
  slot->nanoseconds = monotonic_nanoseconds() - start;
  if (atomic_load(&failed)) return;
  end_part(0);
  if (threads > 1) {
    atomic_store(&started, 2);
    await_value(&ready, 2 * (threads - 1), &failed);
  }
  for (uint32_t i = 0; i < sets; i++) {
    slot->first_checksum = sets == 1 ? runners[i].first_checksum : slot->first_checksum * 31 + runners[i].first_checksum;
    slot->checksum = sets == 1 ? runners[i].state.checksum : slot->checksum * 31 + runners[i].state.checksum;
  }
  for (uint32_t thread = 0; thread < threads; thread++) slot->operations += slot->thread_operations[thread];
}
