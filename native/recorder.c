/*
 * recorder: a library for LD_PRELOAD that writes down what a program asks of malloc and free.
 *
 * `hakmem record` starts the program with HAKMEM_RECORDING set to a folder. Each process, each one that it forks, and each
 * program that it becomes by exec, makes a file PID.N there. The file is mapped memory: what was written is in it however
 * the process ends, by _exit or SIGKILL too.
 *
 *     page 0           struct file_header
 *     chunk            struct chunk_header, then 64-bit words: events, up to the first word that is 0
 *     chunk ...        each says how long it is; those with the same `buffer` are one stream in the order of the file
 *
 *     63            10 9         4 3    0
 *     +---------------+-----------+------+   kind, its highest bit set if the event has three words
 *     | sequence      | log2 align| kind |
 *     +---------------+-----------+------+
 *     | size (16 bit) | address (48 bit) |   or the address alone, and
 *     +---------------+------------------+
 *     | size                             |   the size, if either does not fit
 *     +----------------------------------+
 *
 * A thread borrows a buffer and writes to it alone; when it ends, another may go on where it stopped. The sequence number
 * makes one order of all events: a free is numbered before the real one, an allocation after it, so the number of a free
 * is below that of whatever gets the same address next. A realloc is both, and has two events. An event's first word is
 * written last, so that half an event is none.
 *
 * All state of the process lies in one page that the kernel empties in a child of fork: a child finds it empty and starts
 * a file of its own, whichever way it was forked. A child of vfork shares its parent's memory, and its recording.
 *
 * The recorder allocates nothing from the program, keeps no file open and leaves errno alone. Where a file cannot be made
 * longer (a full disk), recording stops and the program goes on. Calls of a signal handler that interrupted the recorder
 * itself are counted and not recorded. Linux 4.14 and later; tested on x86-64 with glibc, UNTESTED on aarch64 and musl.
 */
#define _GNU_SOURCE 1

#if !defined(__linux__) || !defined(__LP64__)
#error "the recorder is for 64-bit Linux"
#endif

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define UNLIKELY(condition) __builtin_expect(condition, 0)

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* src/traces/raw_recording.ts and raw_stream.ts read these: raise the version when anything of the format changes. */
#define FILE_MAGIC 0x31776172656d6b68u  /* "hkmeraw1" */
#define CHUNK_MAGIC 0x6b6e756863656d68u /* "hmechunk" */

enum { MALLOC = 1, CALLOC, ALIGNED, FREE, REALLOC_BEGIN, REALLOC_END, THREAD, WIDE = 8 };
enum { FAILED, FREED }; /* the size of a REALLOC_END whose address is 0 */
enum { BEGINS, ENDS }; /* the size of a THREAD; its address is the thread's number */

enum {
  HEADER_BYTES = 65536, /* whole pages on every machine: a page of aarch64 may have 64 KiB */
  FIRST_CHUNK_BYTES = 65536,
  DOUBLINGS = 2, /* a buffer's chunks grow to 256 KiB: 16,000 events for each call of the system */
  LONGEST_EVENT = 3,
  PATH_BYTES = 4096,
  EARLY_BYTES = 16384, /* what dlsym may want while it looks for malloc */
};

struct file_header {
  _Atomic uint64_t magic;
  uint32_t pid, is_fork;
  _Atomic uint32_t stopped; /* errno, if recording stopped before the process did */
  uint32_t unused;
  _Atomic uint64_t end;  /* if it stopped: the number of the first event that is missing */
  _Atomic uint64_t lost; /* calls that could not be recorded */
  char program[256];     /* name of the executable */
};

struct chunk_header {
  uint64_t magic;
  uint32_t bytes, buffer;
  struct chunk_header *next_free; /* only used by the process itself, as is the next */
  uint64_t *next;
};

/* The state of the process. Zero is its first state. */
struct process {
  _Alignas(128) _Atomic uint32_t epoch; /* 0 until there is a file; a child's differs from its parent's */
  _Atomic uint32_t stopped;
  struct file_header *file;
  _Alignas(128) _Atomic uint64_t sequence; /* apart: all threads write it */
  _Alignas(128) _Atomic uint32_t lock;
  uint32_t threads, buffers;
  uint64_t file_bytes;
  struct chunk_header *free_buffers; /* of threads that have ended */
  char path[PATH_BYTES];
};

/* The state of a thread. */
struct writer {
  uint64_t *next, *end; /* of its chunk: where to write */
  struct chunk_header *chunk;
  uint32_t epoch; /* of the process for which the rest is right */
  uint32_t number, destructor_rounds;
  volatile bool is_busy;   /* with an event */
  volatile bool is_inside; /* a real function, which may call others: those calls are not the program's */
};

static struct process nowhere = {.stopped = 1}; /* before the page is there, and where there can be none */
static struct process *process = &nowhere;
static uint32_t epochs; /* how many files this process and its parents made */
static char folder[PATH_BYTES - 64];
static pthread_key_t thread_end;
static bool has_thread_end;
static _Thread_local struct writer self __attribute__((tls_model("initial-exec")));

/* ---- files: by plain system calls, because libc's functions may be where a thread is cancelled ------------------- */

/* No signals meanwhile: a handler might jump away, and nobody would get the lock again. */
static sigset_t lock(void) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (atomic_exchange_explicit(&process->lock, 1, memory_order_acquire) != 0) sched_yield();
  return before;
}

static void unlock(sigset_t before) {
  atomic_store_explicit(&process->lock, 0, memory_order_release);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* What other threads still write is numbered from `end` on, and does not count: there is no hole in what was recorded. */
static void stop(int error) {
  if (process->file != NULL) {
    atomic_store(&process->file->end, atomic_load(&process->sequence));
    atomic_store(&process->file->stopped, (uint32_t)error);
  }
  atomic_store(&process->stopped, 1);
}

/* Makes the file longer by a zeroed part and maps that. NULL, and errno, if there is no room. */
static void *extend(int flags, uint64_t bytes) {
  const uint64_t offset = process->file_bytes;
  struct rlimit limit; /* beyond it the system does not only refuse, but also sends a signal that kills */
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur - offset < bytes) {
    errno = EFBIG;
    return NULL;
  }
  const int file = (int)syscall(SYS_openat, AT_FDCWD, process->path, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return NULL;
  void *mapped = MAP_FAILED;
  /* Room on the disk now, since a page without any would kill the program when it is written to. */
  long result = syscall(SYS_fallocate, file, 0, offset, bytes);
  if (result != 0 && errno == EOPNOTSUPP) {
    static const char zeros[4096];
    result = 0;
    for (uint64_t done = 0; done < bytes && result == 0; done += sizeof zeros) {
      const long written = syscall(SYS_pwrite64, file, zeros, sizeof zeros, offset + done);
      if (written != (long)sizeof zeros) {
        if (written >= 0) errno = ENOSPC;
        result = -1;
      }
    }
  }
  if (result == 0) mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, (off_t)offset);
  const int error = errno;
  syscall(SYS_close, file);
  errno = error;
  if (mapped == MAP_FAILED) return NULL;
  process->file_bytes += bytes;
  return mapped;
}

/* Makes the file of this process: PID.0, or the next number if it was another program before. */
static bool begin_process(void) {
  struct file_header *header = NULL;
  const int pid = (int)syscall(SYS_getpid);
  for (unsigned image = 0; header == NULL; image++) {
    snprintf(process->path, sizeof process->path, "%s/%d.%u", folder, pid, image);
    header = extend(O_CREAT | O_EXCL, HEADER_BYTES);
    if (header == NULL && errno != EEXIST) return false;
  }
  header->pid = (uint32_t)pid;
  header->is_fork = epochs > 0;
  char program[PATH_BYTES];
  const long length = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", program, sizeof program - 1);
  program[length < 0 ? 0 : length] = 0;
  const char *slash = strrchr(program, '/');
  snprintf(header->program, sizeof header->program, "%.255s", slash == NULL ? program : slash + 1);
  atomic_store_explicit(&header->magic, FILE_MAGIC, memory_order_release);
  process->file = header;
  atomic_store_explicit(&process->epoch, ++epochs, memory_order_release);
  return true;
}

/* The next chunk of a buffer, or the first of a new one. */
static struct chunk_header *new_chunk(const struct chunk_header *last) {
  uint32_t bytes = FIRST_CHUNK_BYTES;
  if (last != NULL) bytes = last->bytes < FIRST_CHUNK_BYTES << DOUBLINGS ? last->bytes * 2 : last->bytes;
  struct chunk_header *chunk = extend(0, bytes);
  if (chunk == NULL) return NULL;
  chunk->bytes = bytes;
  chunk->buffer = last == NULL ? process->buffers++ : last->buffer;
  chunk->next = (uint64_t *)(chunk + 1);
  atomic_signal_fence(memory_order_release);
  chunk->magic = CHUNK_MAGIC;
  return chunk;
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

static void write_event(unsigned kind, unsigned alignment, uint64_t address, uint64_t size) {
  const uint64_t sequence = atomic_fetch_add_explicit(&process->sequence, 1, memory_order_relaxed);
  const bool is_wide = (address >> 48) != 0 || (size >> 16) != 0;
  uint64_t *event = self.next;
  event[1] = is_wide ? address : address | size << 48;
  if (is_wide) event[2] = size;
  self.next += is_wide ? 3 : 2;
  const uint64_t first = sequence << 10 | alignment << 4 | kind | (is_wide ? WIDE : 0);
  atomic_store_explicit((_Atomic uint64_t *)event, first, memory_order_release);
}

static bool has_room(void) {
  return self.epoch == atomic_load_explicit(&process->epoch, memory_order_acquire) && self.end - self.next >= LONGEST_EVENT;
}

/* Under the lock: gives the thread room for an event. */
static bool find_room(void) {
  const bool is_new = process->epoch == 0;
  if (is_new && !begin_process()) return false;
  struct chunk_header *full = NULL;
  if (self.epoch != process->epoch) { /* a thread that is new here: its chunk, if it has one, is the parent's */
    self = (struct writer){.epoch = process->epoch, .number = ++process->threads, .is_busy = true};
    if (has_thread_end) pthread_setspecific(thread_end, &self);
  } else {
    full = self.chunk;
  }
  struct chunk_header *chunk = process->free_buffers;
  if (full == NULL && chunk != NULL) {
    process->free_buffers = chunk->next_free;
  } else {
    chunk = new_chunk(full);
    if (full != NULL) munmap(full, full->bytes);
  }
  self.chunk = chunk;
  self.next = chunk == NULL ? NULL : chunk->next;
  self.end = chunk == NULL ? NULL : (uint64_t *)((char *)chunk + chunk->bytes);
  if (chunk == NULL) return false;
  write_event(THREAD, 0, self.number, BEGINS);
  return true;
}

static __attribute__((noinline)) bool refill(void) {
  if (atomic_load(&process->stopped) != 0) return false;
  const int error = errno;
  const sigset_t signals = lock();
  const bool found = process->stopped == 0 && find_room();
  if (!found && process->stopped == 0) stop(errno);
  unlock(signals);
  errno = error;
  return found;
}

static inline void record(unsigned kind, unsigned alignment, const void *address, uint64_t size) {
  if (UNLIKELY(self.is_inside)) return;
  if (UNLIKELY(self.is_busy)) {
    if (process->file != NULL) atomic_fetch_add(&process->file->lost, 1);
    return;
  }
  self.is_busy = true;
  if (__builtin_expect(has_room(), 1) || refill()) write_event(kind, alignment, (uint64_t)(uintptr_t)address, size);
  self.is_busy = false;
}

/* Runs when a thread ends, as late as its other destructors allow: they free, too. */
static void end_thread(void *ignored) {
  (void)ignored;
  if (++self.destructor_rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
    pthread_setspecific(thread_end, &self);
    return;
  }
  record(THREAD, 0, (void *)(uintptr_t)self.number, ENDS);
  if (self.epoch != process->epoch || self.chunk == NULL) return;
  self.is_busy = true;
  struct chunk_header *chunk = self.chunk;
  chunk->next = self.next;
  self.chunk = NULL;
  self.next = self.end = NULL;
  if (chunk->bytes - (size_t)((char *)chunk->next - (char *)chunk) >= 2 * LONGEST_EVENT * sizeof(uint64_t)) {
    const sigset_t signals = lock();
    chunk->next_free = process->free_buffers;
    process->free_buffers = chunk;
    unlock(signals);
  } else {
    munmap(chunk, chunk->bytes);
  }
  self.is_busy = false;
}

/* ---- the real functions ----------------------------------------------------------------------------------------- */

static struct {
  void *(*malloc)(size_t);
  void *(*calloc)(size_t, size_t);
  void *(*realloc)(void *, size_t);
  void (*free)(void *);
  void *(*memalign)(size_t, size_t);
  void *(*aligned_alloc)(size_t, size_t);
  int (*posix_memalign)(void **, size_t, size_t);
  void *(*valloc)(size_t);
  void *(*pvalloc)(size_t);
} real;

static bool is_starting, has_started;
static _Alignas(16) char early[EARLY_BYTES];
static size_t early_used;

static bool is_early(const void *block) { return (uintptr_t)block - (uintptr_t)early < sizeof early; }

/* Memory for dlsym itself, zeroed and never used again. */
static void *early_malloc(size_t size) {
  const size_t bytes = (size + 15) & ~(size_t)15;
  if (size > sizeof early || bytes > sizeof early - early_used) return NULL;
  void *block = early + early_used;
  early_used += bytes;
  return block;
}

/* One page for all that a forked child must not take over. */
static void open_recording(void) {
  const char *name = getenv("HAKMEM_RECORDING");
  if (name == NULL || strlen(name) >= sizeof folder) return;
  strcpy(folder, name);
  const size_t bytes = (sizeof(struct process) + 65535) & ~(size_t)65535;
  void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED || madvise(page, bytes, MADV_WIPEONFORK) != 0) return;
  has_thread_end = pthread_key_create(&thread_end, end_thread) == 0;
  process = page;
}

/* At the first call of anything here: before main, while there is one thread. */
static __attribute__((noinline)) void start(void) {
  is_starting = true;
#define FIND(name) *(void **)&real.name = dlsym(RTLD_NEXT, #name)
  FIND(malloc);
  FIND(calloc);
  FIND(realloc);
  FIND(free);
  FIND(memalign);
  FIND(aligned_alloc);
  FIND(posix_memalign);
  FIND(valloc);
  FIND(pvalloc);
#undef FIND
  open_recording();
  has_started = true;
  is_starting = false;
}

/* Whether the real functions can be called; not while they are being looked for. */
static inline bool is_ready(void) {
  if (__builtin_expect(has_started, 1)) return true;
  if (!is_starting) start();
  return has_started;
}

static __attribute__((constructor)) void start_at_last(void) { is_ready(); }

/* ---- what the program calls instead of them --------------------------------------------------------------------- */

/* Rounded up, as memalign does with what is no power of two. */
static unsigned log2_of(size_t alignment) {
  return alignment <= 1 ? 0 : (unsigned)(8 * sizeof(unsigned long)) - (unsigned)__builtin_clzl(alignment - 1);
}

static void *allocated(unsigned kind, size_t alignment, void *block, size_t size) {
  if (block != NULL) record(kind, log2_of(alignment), block, size);
  return block;
}

/* Calls a real function that may be made of others. */
#define INSIDE(result, call)          \
  do {                                \
    const bool was = self.is_inside; \
    self.is_inside = true;            \
    result = call;                    \
    self.is_inside = was;             \
  } while (0)

EXPORT void *malloc(size_t size) {
  if (!is_ready()) return early_malloc(size);
  return allocated(MALLOC, 0, real.malloc(size), size);
}

EXPORT void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (!is_ready()) return __builtin_mul_overflow(count, size, &bytes) ? NULL : early_malloc(bytes);
  void *block;
  INSIDE(block, real.calloc(count, size));
  return allocated(CALLOC, 0, block, count * size); /* which did not overflow, if there is a block */
}

EXPORT void free(void *block) {
  if (block == NULL || is_early(block) || !is_ready()) return;
  record(FREE, 0, block, 0);
  real.free(block);
}

EXPORT void *realloc(void *block, size_t size) {
  if (block == NULL) return malloc(size);
  if (is_early(block)) {
    void *copy = malloc(size);
    const size_t most = (size_t)(early + sizeof early - (char *)block);
    return copy == NULL ? NULL : memcpy(copy, block, size < most ? size : most);
  }
  if (!is_ready()) return NULL;
  record(REALLOC_BEGIN, 0, block, 0);
  void *moved;
  INSIDE(moved, real.realloc(block, size));
  /* NULL for a size of 0 means that it was freed, as glibc does; else it failed, and the block is as it was. */
  record(REALLOC_END, 0, moved, moved != NULL ? size : size == 0 ? FREED : FAILED);
  return moved;
}

EXPORT void *reallocarray(void *block, size_t count, size_t size) {
  size_t bytes;
  if (!__builtin_mul_overflow(count, size, &bytes)) return realloc(block, bytes);
  errno = ENOMEM;
  return NULL;
}

static void *no_such_function(void) {
  errno = ENOMEM;
  return NULL;
}

EXPORT void *memalign(size_t alignment, size_t size) {
  if (!is_ready() || real.memalign == NULL) return no_such_function();
  void *block;
  INSIDE(block, real.memalign(alignment, size));
  return allocated(ALIGNED, alignment, block, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
  if (!is_ready() || real.aligned_alloc == NULL) return no_such_function();
  void *block;
  INSIDE(block, real.aligned_alloc(alignment, size));
  return allocated(ALIGNED, alignment, block, size);
}

EXPORT int posix_memalign(void **block, size_t alignment, size_t size) {
  if (!is_ready() || real.posix_memalign == NULL) return ENOMEM;
  int error;
  INSIDE(error, real.posix_memalign(block, alignment, size));
  if (error == 0) allocated(ALIGNED, alignment, *block, size);
  return error;
}

EXPORT void *valloc(size_t size) {
  if (!is_ready() || real.valloc == NULL) return no_such_function();
  void *block;
  INSIDE(block, real.valloc(size));
  return allocated(ALIGNED, (size_t)sysconf(_SC_PAGESIZE), block, size);
}

EXPORT void *pvalloc(size_t size) {
  if (!is_ready() || real.pvalloc == NULL) return no_such_function();
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  void *block;
  INSIDE(block, real.pvalloc(size));
  return allocated(ALIGNED, page, block, (size + page - 1) & ~(page - 1));
}

/* C23. */
EXPORT void free_sized(void *block, size_t size);
EXPORT void free_aligned_sized(void *block, size_t alignment, size_t size);

EXPORT void free_sized(void *block, size_t size) {
  (void)size;
  free(block);
}

EXPORT void free_aligned_sized(void *block, size_t alignment, size_t size) {
  (void)alignment, (void)size;
  free(block);
}
