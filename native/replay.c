/*
 * replay: the C twin of src/workloads/replay/replay.ts, which says what a replay does.
 *
 *     replay FILE
 *
 * FILE holds the words that src/traces/replay_words.ts describes. The program is compiled twice: for whatever malloc its
 * process has, which LD_PRELOAD changes and the first line names (identity.c), and with DO_NOTHING for an allocator that
 * does nothing; and once more with LATENCY, which times each operation (latency.h). It reads a request a line from stdin and
 * answers each with one line on stdout:
 *
 *     run replay units=2       so many whole replays, their time without the frees at the end
 *     ok nanoseconds=51234567 operations=1572194 checksum=1f2e3d4c slot-checksum=1f2e3d4c tier=native
 *     advance replay to=1000   goes on to event 1000; counted since the first event
 *     ok resident=1044480 faults=255 mapping=0
 *     longest replay units=3   each event's time is the shortest of 3 replays; the longest of those
 *     ok nanoseconds=41234
 *     latency replay units=3   the time of each operation, if compiled with LATENCY: src/lab/latency/protocol.ts
 *     error event 17: its block was overwritten before its free
 *
 * Words for several members are replayed by as many threads, which are started once and kept: src/workloads/
 * replay_member.ts says how they wait for one another. A process that replays alone never has another thread, so that its
 * allocator does without locks.
 *
 * The resident bytes are those of all private memory that belongs to no file: the allocator's, and a little of the
 * process's own. The replay's own memory is shared, or a file's: it is not among them, and it allocates nothing.
 *
 * Linux; macOS should work, untested, with all of the process's memory for the resident bytes.
 */
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE 1
#else
#define _GNU_SOURCE 1
#endif

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if defined(__APPLE__)
#include <mach/mach.h>
#define MAP_ANONYMOUS MAP_ANON
#endif

#include "identity.h"
#include "touch.h"

/* Around the one call of the allocator that each event is. */
#if defined(LATENCY)
#include "latency.h"
#define TIMED(call)                  \
  do {                               \
    latency_begin();                 \
    call;                            \
    if (latency_end()) {             \
      latency_begin();               \
      latency_empty();               \
    }                                \
  } while (0)
#else
#define TIMED(call) call
#endif

enum { MAGIC = 0x50524b48, VERSION = 2, LINE_BYTES = 256, PROC_BYTES = 4096, MAX_MEMBERS = 16 };
enum { LARGE = 8, LARGE_UNIT = 65536 }; /* with the kind: the event asks for more than the size that is touched */
enum { MOST_TOUCHED = 1 << 30, MOST_ALIGNMENT = 30 }; /* bytes of a block; a base-2 logarithm */
enum { WATCHED = 0x80 }; /* in the alignment: another member waits for this event */
enum { SPINS = 2000, YIELDS = 100, NAP_NANOSECONDS = 50000 };
enum kind { KIND_MALLOC, KIND_CALLOC, KIND_ALIGNED, KIND_REALLOC, KIND_FREE };

struct head {
  uint32_t magic, version, events, slots, largest, members, larges, wide;
};

struct event {
  uint8_t kind, alignment; /* the alignment as its base-2 logarithm */
  uint16_t member;
  uint32_t slot, size, former; /* a free's size is what its block had; only a realloc has a former size */
};

static const struct head *head;
static const struct event *events;
static const int32_t *after;            /* of several members: for each event the one to wait for, or -1 */
static const uint32_t *starts, *order;  /* and their events, member by member */

struct large {
  uint32_t event, units;
};

static const struct large *larges; /* what large events really ask for, ascending */
static void **slots;

/* How far a member is. One that replays alone is the first. */
struct member {
  _Alignas(128) atomic_uint done; /* all its events before this are done; told where another member waits for it */
  uint32_t position;              /* among the events, or in the order */
  uint32_t checksum;
};

static struct member members[MAX_MEMBERS];
static bool aligns = true;
static uint8_t mask = 0xff; /* 0: what is read need not be what was written */

/* Zeroed memory that is not counted as the allocator's. */
static void *map_shared(size_t bytes) {
  void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (mapped != MAP_FAILED) return mapped;
  puts("error the replay's own memory cannot be had");
  exit(1);
}

/* ---- the allocators ---------------------------------------------------------------------------------------------- */

#if defined(DO_NOTHING)
/*
 * The block of the do-nothing allocator, as long as the largest size; one a thread, or they would write to one line. The
 * empty statement of assembly keeps an event an event (workloads/workload.h).
 */
static _Thread_local void *nowhere;

static void open_none(void) { nowhere = map_shared((size_t)head->largest + 1); }

static inline void *allocate(size_t size) {
  (void)size;
  __asm__ volatile("");
  return nowhere;
}

static inline void release(void *pointer) {
  (void)pointer;
  __asm__ volatile("");
}

static void *allocate_zeros(size_t size) { return allocate(size); }

static void *reallocate(void *pointer, size_t size) {
  (void)pointer;
  return allocate(size);
}

static void *allocate_aligned(size_t alignment, size_t size) {
  (void)alignment;
  return allocate(size);
}
#else
static void open_none(void) {}

static inline void *allocate(size_t size) {
  void *pointer;
  TIMED(pointer = malloc(size));
  return pointer;
}

static inline void release(void *pointer) { TIMED(free(pointer)); }

static void *allocate_zeros(size_t size) {
  void *pointer;
  TIMED(pointer = calloc(1, size));
  return pointer;
}

static void *reallocate(void *pointer, size_t size) {
  void *resized;
  TIMED(resized = realloc(pointer, size));
  return resized;
}

/* In a library that has no aligned allocation, a larger block stands for it: the C library's would not be one of its own. */
static void *allocate_aligned(size_t alignment, size_t size) {
  void *pointer = NULL;
  int error;
  if (!aligns) return allocate(size + alignment);
  TIMED(error = posix_memalign(&pointer, alignment, size));
  return error == 0 ? pointer : NULL;
}
#endif

/* ---- the replay -------------------------------------------------------------------------------------------------- */

/* The process cannot go on: the blocks are as they are. */
static void fail(uint32_t event, const char *what) {
  printf("error event %" PRIu32 ": %s\n", event, what);
  exit(1);
}

/* So many bytes of a block are laid out after a realloc as they were before. */
static size_t kept(size_t size, size_t former) {
  if (size >= former) return former;
  return size >= STEP ? size & ~(size_t)(STEP - 1) : size != 0;
}

/* What is written to the block in a slot: never 0, which calloc's bytes are. */
static inline uint8_t byte_of(uint32_t slot) { return (uint8_t)((slot ^ (slot >> 7)) | 1); }

static inline bool is_damaged(const void *pointer, size_t size, uint8_t byte) {
  return (differs(pointer, size, byte) & mask) != 0;
}

/* What an event asks for, which may be more than what is touched of it. */
static size_t asked_for(uint32_t index) {
  if ((events[index].kind & LARGE) == 0) return events[index].size;
  uint32_t low = 0, high = head->larges;
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    if (larges[middle].event <= index) low = middle;
    else high = middle;
  }
  return (size_t)larges[low].units * LARGE_UNIT;
}

/* Reallocs, callocs and aligned allocations, and what is large. */
static void *allocate_rarely(uint32_t index) {
  const struct event *event = &events[index];
  const uint8_t byte = byte_of(event->slot), kind = event->kind & (uint8_t)~LARGE;
  const size_t size = asked_for(index);
  void *pointer = NULL;
  if (kind == KIND_MALLOC) return allocate(size);
  if (kind == KIND_REALLOC) {
    void *old = slots[event->slot];
    if (old != NULL && is_damaged(old, event->former, byte)) fail(index, "its block was overwritten before its realloc");
    pointer = reallocate(old, size + (size == 0)); /* C may free a block that gets the size 0 */
    if (pointer != NULL && is_damaged(pointer, kept(event->size, event->former), byte)) {
      fail(index, "its block lost its contents in its realloc");
    }
  } else if (kind == KIND_CALLOC) {
    pointer = allocate_zeros(size);
    if (pointer != NULL && is_damaged(pointer, event->size, 0)) fail(index, "its block is of calloc, but not 0");
  } else {
    const size_t asked = (size_t)1 << (event->alignment & ~WATCHED);
    const size_t alignment = asked < sizeof(void *) ? sizeof(void *) : asked; /* the least that POSIX allows */
    pointer = allocate_aligned(alignment, size);
    if (pointer == NULL) return NULL;
    if (aligns && mask != 0 && ((uintptr_t)pointer & (alignment - 1)) != 0) fail(index, "its block is not aligned");
  }
  return pointer;
}

static inline uint32_t replay_event(uint32_t index, uint32_t sum) {
  const struct event *event = &events[index];
  const uint32_t slot = event->slot, size = event->size;
  const uint8_t kind = event->kind, byte = byte_of(slot);
  if (kind == KIND_FREE) {
    void *pointer = slots[slot];
    if (slot != 0) {
      if (is_damaged(pointer, size, byte)) fail(index, "its block was overwritten before its free");
      slots[slot] = NULL;
    }
    release(pointer);
  } else {
    void *pointer = kind == KIND_MALLOC ? allocate(size) : allocate_rarely(index);
    if (pointer == NULL) {
      printf("error event %" PRIu32 ": malloc(%zu) gave NULL\n", index, asked_for(index));
      exit(1);
    }
    touch(pointer, size, byte);
    slots[slot] = pointer;
  }
  return sum * 31 + (slot ^ size ^ kind);
}

/* The events from where the only member is to before `to`. */
static void replay_alone(uint32_t to) {
  struct member *self = &members[0];
  uint32_t sum = self->checksum;
  for (uint32_t index = self->position; index < to; index++) sum = replay_event(index, sum);
  self->position = to;
  self->checksum = sum;
}

static void await_event(uint32_t index) {
  const struct timespec nap = {0, NAP_NANOSECONDS};
  atomic_uint *done = &members[events[index].member].done;
  for (uint32_t tries = 0; atomic_load_explicit(done, memory_order_acquire) <= index; tries++) {
    if (tries < SPINS) continue;
    if (tries < SPINS + YIELDS) sched_yield();
    else nanosleep(&nap, NULL);
  }
}

/* A member's own events before `to`. */
static void replay_own(uint32_t member, uint32_t to) {
  struct member *self = &members[member];
  const uint32_t end = starts[member + 1];
  uint32_t sum = self->checksum, position = self->position;
  for (; position < end && order[position] < to; position++) {
    const uint32_t index = order[position];
    if (after[index] >= 0) await_event((uint32_t)after[index]);
    sum = replay_event(index, sum);
    if (events[index].alignment & WATCHED) atomic_store_explicit(&self->done, index + 1, memory_order_release);
  }
  atomic_store_explicit(&self->done, to, memory_order_release);
  self->position = position;
  self->checksum = sum;
}

/* Frees a member's share of what is live, and starts over. */
static void begin_part(uint32_t member) {
  for (uint32_t slot = member; slot < head->slots; slot += head->members) {
    if (slots[slot] == NULL) continue;
    release(slots[slot]);
    slots[slot] = NULL;
  }
  members[member].position = head->members > 1 ? starts[member] : 0;
  members[member].checksum = 0;
  atomic_store(&members[member].done, 0);
}

/* ---- clocks and counters ----------------------------------------------------------------------------------------- */

static uint64_t monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#if defined(__APPLE__)

static int64_t resident_bytes(void) {
  mach_task_basic_info_data_t info;
  mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
  if (task_info(mach_task_self(), MACH_TASK_BASIC_INFO, (task_info_t)&info, &count) != KERN_SUCCESS) return -1;
  return (int64_t)info.resident_size;
}

#else

static int64_t resident_bytes(void) {
  char text[PROC_BYTES];
  const int file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length < 0) return -1;
  text[length] = 0;
  const char *anonymous = strstr(text, "\nAnonymous:");
  return anonymous == NULL ? -1 : (int64_t)strtoull(anonymous + strlen("\nAnonymous:"), NULL, 10) * 1024;
}

#endif

static uint64_t page_faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
}

/* ---- several members --------------------------------------------------------------------------------------------- */

/* The step that is taken: from the first event or from where all are, to before `step_to`. */
static uint32_t step_to;
static bool step_is_fresh;
static atomic_uint ready, started, finished;

/* Where the other threads sleep between two steps. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static uint32_t steps;
static bool has_threads;

static void await_count(atomic_uint *count, uint32_t value) {
  const struct timespec nap = {0, NAP_NANOSECONDS};
  for (uint32_t tries = 0; atomic_load(count) != value; tries++) {
    if (tries < SPINS) continue;
    if (tries < SPINS + YIELDS) sched_yield();
    else nanosleep(&nap, NULL);
  }
}

/* A thread but the first. */
static void *serve(void *argument) {
  const uint32_t member = (uint32_t)(uintptr_t)argument;
  open_none();
  for (uint32_t seen = 0;; seen++) {
    pthread_mutex_lock(&lock);
    while (steps == seen) pthread_cond_wait(&wake, &lock);
    pthread_mutex_unlock(&lock);
    if (step_is_fresh) begin_part(member);
    atomic_fetch_add(&ready, 1);
    await_count(&started, 1);
    replay_own(member, step_to);
    atomic_fetch_add(&finished, 1);
  }
  return NULL;
}

static void start_threads(void) {
  has_threads = true;
  for (uint32_t member = 1; member < head->members; member++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, (void *)(uintptr_t)member) == 0) continue;
    puts("error a thread cannot be started");
    exit(1);
  }
}

/* Returns nanoseconds: from when all are let go until the last one is done. */
static uint64_t step_together(bool is_fresh, uint32_t to) {
  if (!has_threads) start_threads();
  step_to = to;
  step_is_fresh = is_fresh;
  ready = started = finished = 0;
  pthread_mutex_lock(&lock);
  steps++;
  pthread_cond_broadcast(&wake);
  pthread_mutex_unlock(&lock);
  if (is_fresh) begin_part(0);
  await_count(&ready, head->members - 1);
  const uint64_t start = monotonic_nanoseconds();
  atomic_store(&started, 1);
  replay_own(0, to);
  await_count(&finished, head->members - 1);
  return monotonic_nanoseconds() - start;
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static uint64_t step(bool is_fresh, uint32_t to) {
  if (head->members > 1) return step_together(is_fresh, to);
  if (is_fresh) begin_part(0);
  const uint64_t start = monotonic_nanoseconds();
  replay_alone(to);
  return monotonic_nanoseconds() - start;
}

static void run(uint32_t units) {
  uint64_t nanoseconds = 0;
  for (uint32_t unit = 0; unit < units; unit++) nanoseconds += step(true, head->events);
  uint32_t checksum = members[0].checksum;
  if (head->members > 1) {
    checksum = 0;
    for (uint32_t member = 0; member < head->members; member++) checksum = checksum * 31 + members[member].checksum;
  }
  printf("ok nanoseconds=%" PRIu64 " operations=%" PRIu64 " checksum=%08" PRIx32 " slot-checksum=%08" PRIx32
         " tier=native\n",
         nanoseconds, (uint64_t)units * head->events, checksum, checksum);
}

static void advance(uint32_t to) {
  static uint64_t faults;
  static uint32_t reached;
  if (reached == 0) faults = page_faults();
  if (to < reached || to > head->events) {
    puts("error the replay cannot go there");
    return;
  }
  step(reached == 0, to);
  reached = to;
  const uint64_t now = page_faults();
  printf("ok resident=%" PRId64 " faults=%" PRIu64 " mapping=0\n", resident_bytes(), now - faults);
}

static void longest(uint32_t units) {
  if (head->members > 1) {
    puts("error only one thread can tell the longest event");
    return;
  }
  uint64_t *least = map_shared((size_t)head->events * sizeof *least), most = 0;
  for (uint32_t unit = 0; unit < units; unit++) {
    begin_part(0);
    for (uint32_t index = 0; index < head->events; index++) {
      const uint64_t start = monotonic_nanoseconds();
      replay_alone(index + 1);
      const uint64_t taken = monotonic_nanoseconds() - start;
      if (unit == 0 || taken < least[index]) least[index] = taken;
    }
  }
  for (uint32_t index = 0; index < head->events; index++) most = least[index] > most ? least[index] : most;
  printf("ok nanoseconds=%" PRIu64 "\n", most);
  munmap(least, (size_t)head->events * sizeof *least);
}

#if defined(LATENCY)

/* Of memory that the program has used for a while, as the replay in TypeScript is one that V8 has compiled. */
enum { WARM_NANOSECONDS = 100000000, MOST_ANSWER = 1 << 19 };

static void replay_timed(enum latency_mode mode) {
  begin_part(0);
  latency_replay(mode);
  replay_alone(head->events);
  latency_replay(LATENCY_OFF);
}

static void measure_latency(uint32_t units) {
  if (head->members > 1) {
    puts("error the latencies of one thread alone can be told");
    return;
  }
  uint8_t *const kinds = map_shared(head->events);
  for (uint32_t index = 0; index < head->events; index++) {
    const uint8_t kind = events[index].kind & (uint8_t)~LARGE;
    const uint32_t operation = kind == KIND_FREE ? 1 : kind == KIND_REALLOC ? 2 : 0;
    kinds[index] = (uint8_t)latency_kind(operation, events[index].size);
  }
  char *const text = map_shared(MOST_ANSWER);
  if (!latency_open(kinds, head->events)) {
    puts("error the memory for the latencies cannot be had");
    return;
  }
  const uint64_t start = monotonic_nanoseconds();
  do replay_timed(LATENCY_TIMED);
  while (monotonic_nanoseconds() - start < WARM_NANOSECONDS);
  latency_forget();
  replay_timed(LATENCY_OFF);
  for (uint32_t unit = 0; unit < units; unit++) {
    latency_batch(unit, units);
    replay_timed(LATENCY_TIMED);
  }
  replay_timed(LATENCY_FAULTS);
  begin_part(0);
  puts(latency_answer(text, MOST_ANSWER) < 0 ? "error the answer is too long" : text);
}

#endif

/* What is in a slot, while the words are checked. */
struct content {
  uint32_t size, event; /* of a live block, one more than its size; the event before of this slot, one more than its number */
};

/* Whether an event is one that the replay can do: what it frees is there, and as long as it says. */
static bool is_sound(uint32_t index, struct content *contents) {
  const struct event *const event = &events[index];
  const uint32_t kind = event->kind & ~(uint32_t)LARGE, alignment = event->alignment & ~(uint32_t)WATCHED;
  if (event->slot >= head->slots || event->size > head->largest || event->member >= head->members) return false;
  if (kind > KIND_FREE || alignment > MOST_ALIGNMENT) return false;
  struct content *const content = &contents[event->slot];
  if (event->slot == 0) return event->kind == KIND_FREE && event->size == 0;
  if (event->kind == KIND_FREE) {
    if (content->size != event->size + 1) return false;
    content->size = 0;
    return true;
  }
  if (kind == KIND_FREE || content->size != (kind == KIND_REALLOC && content->size != 0 ? event->former + 1 : 0)) return false;
  if (content->size == 0 && event->former != 0) return false;
  content->size = event->size + 1;
  return true;
}

/* Whether an event of several members waits for the one before it, if that is another member's. */
static bool waits_rightly(uint32_t index, struct content *content) {
  const int32_t before = (int32_t)content->event - 1;
  const bool is_others = events[index].slot != 0 && before >= 0 && events[before].member != events[index].member;
  content->event = index + 1;
  return after[index] == (is_others ? before : -1) && (!is_others || (events[before].alignment & WATCHED) != 0);
}

/* Whether each member's events are its own, in their order, and each event is some member's. */
static bool are_dealt(void) {
  for (uint32_t member = 0; member < head->members; member++) {
    const uint32_t first = starts[member], end = starts[member + 1];
    if (first > end || end > head->events || (member == 0 && first != 0)) return false;
    for (uint32_t at = first; at < end; at++) {
      if (order[at] >= head->events || events[order[at]].member != member) return false;
      if (at > first && order[at] <= order[at - 1]) return false;
    }
  }
  return starts[head->members] == head->events;
}

/* Whether the words can be replayed: a file that was damaged would read and write where no block is. */
static bool are_sound(void) {
  const size_t bytes = (size_t)head->slots * sizeof(struct content);
  struct content *const contents = map_shared(bytes);
  bool sound = true;
  uint32_t large = 0;
  for (uint32_t index = 0; sound && index < head->events; index++) {
    sound = is_sound(index, contents) && (head->members == 1 || waits_rightly(index, &contents[events[index].slot]));
    if (!sound || (events[index].kind & LARGE) == 0) continue;
    sound = large < head->larges && larges[large].event == index &&
            (uint64_t)larges[large].units * LARGE_UNIT >= events[index].size;
    large++;
  }
  munmap(contents, bytes);
  return sound && large == head->larges && (head->members == 1 || are_dealt());
}

static bool open_words(const char *path) {
  struct stat status;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || fstat(file, &status) != 0 || (size_t)status.st_size < sizeof *head) return false;
  head = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (head == MAP_FAILED || head->magic != MAGIC || head->version != VERSION || head->slots == 0) return false;
  if (head->members == 0 || head->members > MAX_MEMBERS || head->largest > MOST_TOUCHED) return false;
  if (head->events > INT32_MAX || head->slots > head->events + 1) return false;
  const size_t count = head->events, columns = head->members > 1 ? 2 * count + head->members + 1 : 0;
  const size_t before = sizeof *head + count * sizeof *events + columns * sizeof *order;
  if ((size_t)status.st_size != before + head->larges * sizeof *larges) return false;
  events = (const struct event *)(head + 1);
  after = (const int32_t *)(events + count);
  starts = (const uint32_t *)(after + count);
  order = starts + head->members + 1;
  larges = (const struct large *)((const char *)head + before);
  slots = map_shared((size_t)head->slots * sizeof *slots);
  return are_sound();
}

int main(int argc, char **argv) {
  static char line[LINE_BYTES], input[BUFSIZ], output[BUFSIZ];
  setvbuf(stdin, input, _IOFBF, sizeof input);
  setvbuf(stdout, output, _IOLBF, sizeof output);
  signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; the coordinator ends this process by closing stdin */

  if (argc != 2) {
    fprintf(stderr, "usage: %s FILE\n", argv[0]);
    return 3;
  }
  if (!open_words(argv[1])) {
    printf("error %s holds no words of a replay\n", argv[1]);
    return 3;
  }
#if defined(DO_NOTHING)
  open_none();
  mask = 0;
  puts("ready");
#else
  aligns = brings("posix_memalign");
  print_ready();
#endif

  while (fgets(line, sizeof line, stdin) != NULL) {
    uint32_t count = 0;
    if (sscanf(line, "run replay units=%" SCNu32, &count) == 1 && count > 0) {
      run(count);
    } else if (sscanf(line, "longest replay units=%" SCNu32, &count) == 1 && count > 0) {
      longest(count);
#if defined(LATENCY)
    } else if (sscanf(line, "latency replay units=%" SCNu32, &count) == 1 && count > 0) {
      measure_latency(count);
#endif
    } else if (sscanf(line, "advance replay to=%" SCNu32, &count) == 1) {
      advance(count);
    } else {
      puts("error expected: run replay units=n, longest replay units=n or advance replay to=n");
    }
  }
  return 0;
}
