/*
 * recorder: a library for LD_PRELOAD that writes down what a program asks of malloc and free.
 *
 * `hakmem record` starts the program with HAKMEM_RECORDING set to a folder. Each process, each one that it forks, and each
 * program that it becomes by exec, makes a file PID.N there: a program before its main, while it may still do all that it
 * will give up, a fork at its first event.
 *
 *     64 KiB           struct file_header, with what it started
 *     chunk            struct chunk: a header, then 64-bit words: events, up to the first word that is 0
 *     chunk ...        all as long; those with the same `buffer` are one stream
 *
 * The first chunk of each buffer in the file is its window, which is mapped: what was written to it is in the file however
 * the process ends, by _exit or SIGKILL too. A window that is full is copied to the end of the file and used again, since
 * a page that is mapped anew costs ten times what it takes to write one (`bench/recorder.ts`). Dying in the midst of that
 * loses nothing and has nothing twice:
 *
 *     index 3, appended 3     the window has what follows the copies 0 to 2; a copy 3 that is there is not whole
 *     index 3, appended 4     the copy 3 is whole; what is in the window still, or no longer, does not count
 *     index 4, appended 4     the window is empty: zeros
 *
 *     63            10  9  8       4 3    0
 *     +---------------+---+---------+------+   kind, its highest bit set if the size has a word of its own; bit 9 is set
 *     | sequence      | s | detail  | kind |   if there is a stack. The detail is the log2 of an alignment, PAUSED,
 *     +---------------+---+---------+------+   or what a NOTE is
 *     | size (16 bit) | address (48 bit)   |   or the address alone, and
 *     +---------------+--------------------+
 *     | size                               |   the size, if either does not fit
 *     +------------------------------------+
 *     | stack                              |   its number, if there is one
 *     +------------------------------------+
 *
 * A thread borrows a buffer and writes to it alone; when it ends, another may go on where it stopped. The sequence number
 * makes one order of all events: a free is numbered before the real one, an allocation after it, so the number of a free
 * is below that of whatever gets the same address next. A realloc is both, and has two events. An event's first word is
 * written last, so that half an event does not count.
 *
 * All state of the process lies in one page that the kernel empties in a child of fork: a child finds it empty and starts
 * a file of its own, whichever way it was forked. A child of vfork shares its parent's memory, and its recording.
 *
 * The recorder allocates nothing from the program and leaves errno alone. It keeps one file open, by a high number: one
 * that is opened for each chunk may get the number that another thread has just closed, to put a file of its own there.
 * Where a file cannot be made longer (a full disk), recording stops and the program goes on; so it does where another makes
 * the file shorter, whose pages behind its new end would kill the program: the recorder handles SIGBUS for that, until the program
 * handles it itself.
 *
 * A signal handler may interrupt the recorder, and allocate: each thread has more than one writer, and a handler takes one
 * that is not busy. It may never come back, because it jumps out (siglongjmp) or is a fork's whole life. Whose frame is gone
 * is known by the stack, and what it began is taken back; in a fork, what it still writes goes to memory of its own.
 *
 * A process that goes into a sandbox is killed for what the recorder calls there. So one that says it will get no new
 * privileges, as it must if it has none, is given room in its file then, and the recorder makes no system call from there
 * on: each window that is full is followed by one of that room. HAKMEM_RECORDING_ROOM gives so many bytes at the start.
 *
 * Built with -DSTACKS it also writes who called: `recorder/stacks.h` says how that is found. HAKMEM_RECORDING_STACKS is
 * auto, fp or unwind, HAKMEM_RECORDING_DEPTH the most callers of a stack. A stack that is new is a NOTE before the event
 * that has it, and so is a module that is new; their content follows in words:
 *
 *     STACK    number, then the addresses that calls return to, the innermost first
 *     MODULE   start, end, bias, bytes of the build id and of the path, the build id (32 bytes), the path
 *
 * With HAKMEM_RECORDING_SAMPLE only some allocations have a stack: one for every so many bytes, each byte as likely as
 * any other (a Poisson process: the distance to the next is exponential, as in tcmalloc and jemalloc).
 *
 * With HAKMEM_RECORDING_PAUSED nothing is recorded until SIGUSR2 comes, and the next one pauses it again. Blocks of the
 * stretches between are followed to their ends: a table of bits knows, up to false alarms, which addresses have one, and
 * their frees and reallocs are events while it is paused, too.
 *
 * What a process starts, and whether the recorder's variables are passed on, is noted in its file's head: so it is known
 * afterwards what was not recorded. Linux 4.14 and later; tested on x86-64 with glibc, UNTESTED on aarch64 and musl.
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
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define UNLIKELY(condition) __builtin_expect(condition, 0)

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

extern void *__libc_stack_end __attribute__((weak));

#ifdef STACKS
#include "recorder/stacks.h"
#endif

/* src/traces/recording/raw/recording.ts and stream.ts beside it read these: raise the version when the format changes. */
#define FILE_MAGIC 0x34776172656d6b68u  /* "hkmeraw4" */
#define CHUNK_MAGIC 0x6b6e756863656d68u /* "hmechunk" */

enum { MALLOC = 1, CALLOC, ALIGNED, FREE, REALLOC_BEGIN, REALLOC_END, NOTE, WIDE = 8 };
enum { FAILED, FREED }; /* the size of a REALLOC_END whose address is 0 */
enum { THREAD, STACK, MODULE }; /* what a NOTE is; of the last two, the second word has the number of those that follow */
enum { BEGINS, ENDS }; /* the size of a THREAD; its address is the thread's number */
enum { PAUSED = 1 }; /* of a free or a realloc, whose block may be none that was recorded */
enum { RECORDED = 1, WITHOUT, NOT_STARTED }; /* what became of a program that was started: `struct note` */

enum {
  HEADER_BYTES = 65536, /* whole pages on every machine: a page of aarch64 may have 64 KiB */
  CHUNK_BYTES = 65536, /* some 4,000 events; whole pages, too */
  LONGEST_EVENT = 4,
  HAS_STACK = 1 << 9,
  MOST_DETAIL = 31,
  PATH_BYTES = 4096,
  HIGH_NUMBER = 900, /* of the file; lower if the process may not have so many */
  EARLY_BYTES = 16384, /* what dlsym may want while it looks for malloc */
  SANDBOX_BYTES = 32 << 20, /* some 2 million events */
  WRITERS = 4,              /* of a thread */
  SIGNAL_BYTES = 256,       /* of stack: the system puts more between what it interrupts and a handler */
};

struct file_header {
  _Atomic uint64_t magic;
  uint32_t pid, is_fork;
  _Atomic uint32_t stopped; /* errno, if recording stopped before the process did */
  _Atomic uint32_t calling; /* threads that are in a system call of the recorder: it may have killed the process */
  _Atomic uint64_t end;  /* if it stopped: the number of the first event that is missing */
  _Atomic uint64_t lost; /* calls that could not be recorded */
  _Atomic uint64_t wall, processor; /* nanoseconds from the start to the exit; 0 if it did not exit by itself */
  _Atomic uint32_t lost_forks, lost_fork_error; /* forked processes that could not be recorded, and an errno of them */
  _Atomic uint32_t note_bytes, lost_notes;
  char program[256]; /* name of the executable */
  _Atomic uint32_t is_paused, stretches; /* of HAKMEM_RECORDING_PAUSED: whether it is given, and how often it was resumed */
  _Atomic uint32_t lost_signal;          /* at the exit, SIGUSR2 was the program's */
  uint32_t stacks_by, depth;             /* 0 without stacks, or `enum stacks_by`; their limit */
  _Atomic uint32_t lost_stacks;          /* allocations whose stack did not fit the table, or would not have fit the thread's */
  uint64_t sample_bytes;                 /* 0: each allocation has a stack */
  char notes[HEADER_BYTES - 360];
};

/* A program that was started in place of a process. */
struct note {
  uint32_t pid;
  _Atomic uint16_t state; /* written last; 0 is not a note yet */
  uint16_t bytes;         /* to the next */
  char path[];
};

_Static_assert(sizeof(struct file_header) == HEADER_BYTES, "notes fill the header");

struct chunk {
  _Atomic uint64_t magic;
  uint32_t bytes, buffer;
  _Atomic uint32_t index, appended; /* see above */
  struct chunk *next_free;          /* only used by the process itself, as is the next */
  uint64_t *next;
  uint64_t words[(CHUNK_BYTES - 40) / 8];
};

_Static_assert(sizeof(struct chunk) == CHUNK_BYTES, "a chunk's words fill it");

enum stacks_by { AUTO = 1, FRAME_POINTERS, UNWINDER };

/* The state of the process. Zero is its first state. */
struct process {
  _Alignas(128) _Atomic uint32_t epoch; /* 0 until there is a file; a child's differs from its parent's */
  _Atomic uint32_t stopped;
  struct file_header *file;
  _Alignas(128) _Atomic uint64_t sequence; /* apart: all threads write it */
  _Alignas(128) _Atomic uint32_t lock;
  uint32_t threads, buffers;
  uint64_t file_bytes;
  uint64_t began, began_processor;
  struct chunk *free_windows; /* of threads that have ended */
  struct chunk *looked_at;    /* the one that is about to be taken, whose pages may be gone */
  bool is_confined;           /* no system call any more: new windows are taken from the room */
  struct chunk *room, *room_end;
  char path[PATH_BYTES];
};

/* What writes a thread's events. The first one does, the others if a signal interrupts it. */
struct writer {
  uint64_t *next, *end; /* of its window: where to write */
  struct chunk *window;
  uint32_t epoch;                                /* of the process for which the rest is right */
  bool is_moving;                                /* paused: the realloc that is under way is recorded */
  volatile uintptr_t busy;                       /* the frame that writes an event; 0 if none does */
  struct file_header *volatile calling;          /* where it is counted among those in a system call */
#ifdef STACKS
  struct gathering *volatile gathering;
#endif
};

/* The state of a thread. */
struct thread {
  uint32_t epoch; /* of the process for which the rest is right */
  uint32_t number, destructor_rounds;
  volatile uintptr_t inside; /* the frame that called a real function: what that calls is not the program's */
#ifdef STACKS
  volatile uintptr_t unwinding; /* the frame that looks for callers */
  bool has_bounds;
  struct bounds bounds;
  int64_t until_sample; /* bytes */
  uint64_t random;
#endif
  struct writer writers[WRITERS];
};

static struct process nowhere = {.stopped = 1}; /* before the page is there, and where there can be none */
static struct process *process = &nowhere;
static uint32_t epochs; /* how many files this process and its parents made */
static int file = -1;   /* what is open, if the program has not closed it: then it is anything */
static struct stat file_identity;
static struct file_header *nearest; /* the process's file, or one of a parent's as long as it has none */
static bool was_confined;           /* the process, or one of its parents before the fork */
static uint64_t first_room;
static char folder[PATH_BYTES - 64], library[PATH_BYTES], executable[PATH_BYTES];
static bool has_pauses;            /* recording is resumed and paused by signals */
static _Atomic uint32_t is_paused; /* a fork goes on as its parent was */
static pthread_key_t thread_end;
static bool has_thread_end;
static _Thread_local struct thread self __attribute__((tls_model("initial-exec")));

/* ---- files: by plain system calls, because libc's functions may be where a thread is cancelled ------------------- */

static uint64_t nanoseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Which signals a thread had blocked before it blocked all; a process that is confined cannot block them. */
struct signals {
  bool are_blocked;
  uint64_t before; /* as the kernel has them */
};

/*
 * No signals meanwhile: a handler might jump away, and nobody would get the lock again. Nor libc's own, by which a thread is
 * cancelled at any moment, if it wants that; pthread_sigmask leaves those alone. But for SIGBUS, by which the system tells
 * that a page of the file is gone: blocked, it kills.
 */
static struct signals block_signals(void) {
  struct signals signals = {.are_blocked = !process->is_confined};
  const uint64_t all = ~((uint64_t)1 << (SIGBUS - 1));
  if (signals.are_blocked) syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &signals.before, sizeof all);
  return signals;
}

static void restore_signals(struct signals signals) {
  if (signals.are_blocked) syscall(SYS_rt_sigprocmask, SIG_SETMASK, &signals.before, NULL, sizeof signals.before);
}

static struct signals lock(void) {
  const struct signals signals = block_signals();
  while (atomic_exchange_explicit(&process->lock, 1, memory_order_acquire) != 0) {
    if (signals.are_blocked) sched_yield();
  }
  return signals;
}

static void unlock(struct signals signals) {
  atomic_store_explicit(&process->lock, 0, memory_order_release);
  restore_signals(signals);
}

/* What other threads still write is numbered from `end` on, and does not count: there is no hole in what was recorded. */
static void stop(int error) {
  if (process->file != NULL) {
    atomic_store(&process->file->end, atomic_load(&process->sequence));
    atomic_store(&process->file->stopped, (uint32_t)error);
  }
  atomic_store(&process->stopped, 1);
}

static bool is_same(const struct stat *now) {
  return now->st_dev == file_identity.st_dev && now->st_ino == file_identity.st_ino;
}

static bool is_open(void) {
  struct stat now;
  return fstat(file, &now) == 0 && is_same(&now);
}

/* Whether all is there that was written; if not, and errno says so, another has made the file shorter. */
static bool is_whole(void) {
  struct stat now;
  if (fstat(file, &now) == 0 && now.st_size >= 0 && (uint64_t)now.st_size >= process->file_bytes) return true;
  errno = ESTALE;
  return false;
}

/* Opens the process's file, which is new, or the one that it has been; nothing else that may lie there is written to. */
static bool open_file(bool is_new) {
  struct stat now;
  const int flags = (is_new ? O_CREAT | O_EXCL : 0) | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  const int low = (int)syscall(SYS_openat, AT_FDCWD, process->path, flags, 0600);
  if (low < 0) return false;
  if (fstat(low, &now) != 0 || (!is_new && !is_same(&now))) {
    syscall(SYS_close, low);
    errno = ENOENT;
    return false;
  }
  const int high = (int)syscall(SYS_fcntl, low, F_DUPFD_CLOEXEC, HIGH_NUMBER);
  if (high >= 0) syscall(SYS_close, low);
  file = high >= 0 ? high : low;
  file_identity = now;
  return true;
}

/* Whether the file can be written to, and may be so much longer. */
static bool may_extend(uint64_t bytes) {
  struct rlimit limit; /* beyond it the system does not only refuse, but also sends a signal that kills */
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < process->file_bytes + bytes) {
    errno = EFBIG;
    return false;
  }
  return (is_open() || open_file(false)) && is_whole();
}

/* Takes away what was written behind the end of what counts; returns false, and leaves errno alone. */
static bool cut_back(void) {
  const int error = errno;
  syscall(SYS_ftruncate, file, process->file_bytes);
  errno = error;
  return false;
}

/*
 * Makes the file longer by a copy of some bytes; false, and errno, if there is no room. Under the lock, so that nothing is
 * behind a part that was not written.
 */
static bool append(const void *bytes, uint64_t count) {
  if (!may_extend(count)) return false;
  for (uint64_t done = 0; done < count;) {
    const uint64_t at = process->file_bytes + done;
    const long written = syscall(SYS_pwrite64, file, (const char *)bytes + done, count - done, at);
    if (written > 0) done += (uint64_t)written;
    else if (written == 0) errno = ENOSPC;
    if (written <= 0 && errno != EINTR) return cut_back();
  }
  process->file_bytes += count;
  return true;
}

/* Makes the file longer by a zeroed part and maps that. NULL, and errno, if there is no room. */
static void *extend(uint64_t bytes) {
  static const char zeros[CHUNK_BYTES];
  if (!may_extend(bytes)) return NULL;
  const uint64_t offset = process->file_bytes;
  /* Room on the disk now, since a page without any would kill the program when it is written to. */
  long result;
  do result = syscall(SYS_fallocate, file, 0, offset, bytes);
  while (result != 0 && errno == EINTR);
  if (result == 0) process->file_bytes += bytes;
  else if (errno != EOPNOTSUPP || bytes > sizeof zeros) return cut_back(), NULL;
  else if (!append(zeros, bytes)) return NULL;
  const int flags = bytes > sizeof zeros ? MAP_SHARED : MAP_SHARED | MAP_POPULATE;
  void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, file, (off_t)offset);
  if (mapped != MAP_FAILED) return mapped;
  process->file_bytes = offset;
  cut_back();
  return NULL;
}

/*
 * One of the variables. In the functions of .preinit_array libc has not set `environ` yet: they lie where the system has put
 * them, behind the arguments.
 */
static const char *variable(const char *name) {
  char *const *at = environ;
  if (at == NULL && &__libc_stack_end != NULL) at = (char *const *)__libc_stack_end + *(const long *)__libc_stack_end + 2;
  for (const size_t length = strlen(name); at != NULL && *at != NULL; at++) {
    if (strncmp(*at, name, length) == 0 && (*at)[length] == '=') return *at + length + 1;
  }
  return NULL;
}

static void confine(uint64_t bytes);
static void describe_stacks(struct file_header *header);

/* Adds a number in decimal; returns where it ends. */
static char *add_number(char *at, unsigned number) {
  char digits[12];
  size_t first = sizeof digits;
  do digits[--first] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  memcpy(at, digits + first, sizeof digits - first);
  return at + (sizeof digits - first);
}

/*
 * Makes the file of this process: PID.0, or the next number if it was another program before. With little stack, since a
 * fork may do it in a signal handler.
 */
static bool begin_process(void) {
  if (was_confined) { /* the parent was, so this fork is */
    errno = EPERM;
    return false;
  }
  const int pid = (int)syscall(SYS_getpid);
  if (is_open()) syscall(SYS_close, file); /* the parent's */
  for (unsigned image = 0;; image++) {
    char *end = process->path + strlen(folder);
    memcpy(process->path, folder, strlen(folder));
    *end++ = '/';
    end = add_number(end, (unsigned)pid);
    *end++ = '.';
    *add_number(end, image) = 0;
    if (open_file(true)) break;
    if (errno != EEXIST) return false;
  }
  struct file_header *header = extend(HEADER_BYTES);
  if (header == NULL) return false;
  process->looked_at = (struct chunk *)header; /* as long as one */
  header->pid = (uint32_t)pid;
  header->is_fork = epochs > 0;
  const long length = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", executable, sizeof executable - 1);
  executable[length < 0 ? 0 : length] = 0;
  const char *slash = strrchr(executable, '/');
  strncpy(header->program, slash == NULL ? executable : slash + 1, sizeof header->program - 1);
  atomic_store(&header->is_paused, has_pauses);
  atomic_store(&header->stretches, has_pauses && atomic_load(&is_paused) == 0);
  describe_stacks(header);
  atomic_store_explicit(&header->magic, FILE_MAGIC, memory_order_release);
  process->file = nearest = header;
  process->began = nanoseconds(CLOCK_MONOTONIC);
  process->began_processor = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
  atomic_store_explicit(&process->epoch, ++epochs, memory_order_release);
  if (first_room != 0) confine(first_room);
  return true;
}

/* Gives the process room for all that it will do; from then on there is no system call of the recorder's. */
static void confine(uint64_t bytes) {
  if (process->is_confined) return;
  process->room = extend(bytes);
  process->room_end = process->room == NULL ? NULL : process->room + bytes / CHUNK_BYTES;
  process->is_confined = was_confined = true;
}

/* The next window of the room. */
static struct chunk *window_of_room(void) {
  if (process->room != process->room_end) return process->room++;
  errno = ENOBUFS;
  return NULL;
}

/* A window: that of a thread that has ended, or one more. */
static struct chunk *new_window(void) {
  struct chunk *window = process->free_windows;
  if (window != NULL) {
    process->looked_at = window;
    process->free_windows = window->next_free;
    return window;
  }
  window = process->is_confined ? window_of_room() : extend(CHUNK_BYTES);
  if (window == NULL) return NULL;
  process->looked_at = window;
  window->bytes = CHUNK_BYTES;
  window->buffer = process->buffers++;
  window->next = window->words;
  atomic_store_explicit(&window->magic, CHUNK_MAGIC, memory_order_release);
  return window;
}

/* Copies what is in a window to the end of the file, and empties it. */
static bool empty_window(struct chunk *window) {
  if (!append(window, sizeof *window)) return false;
  const uint32_t index = window->index + 1;
  atomic_store_explicit(&window->appended, index, memory_order_release);
  atomic_thread_fence(memory_order_release); /* a reader meanwhile sees no zeros before that */
  memset(window->words, 0, sizeof window->words);
  atomic_store_explicit(&window->index, index, memory_order_release);
  return true;
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

/* An event counts, and its room is used up: in this order, or a handler that jumps away between them leaves a hole. */
static inline void finish_event(struct writer *writer, uint64_t *event, uint64_t first, uint64_t *behind) {
  atomic_store_explicit((_Atomic uint64_t *)event, first, memory_order_release);
  atomic_signal_fence(memory_order_seq_cst);
  writer->next = behind;
}

static __attribute__((noinline)) void write_event(struct writer *writer, unsigned kind, unsigned detail, uint64_t address,
                                                  uint64_t size, uint32_t stack) {
  const uint64_t sequence = atomic_fetch_add_explicit(&process->sequence, 1, memory_order_relaxed);
  const bool is_wide = (address >> 48) != 0 || (size >> 16) != 0;
  uint64_t *const event = writer->next, *behind = event + (is_wide ? 3 : 2);
  event[1] = is_wide ? address : address | size << 48;
  if (is_wide) event[2] = size;
  if (stack != 0) *behind++ = stack;
  const uint64_t first = sequence << 10 | (stack != 0 ? HAS_STACK : 0) | detail << 4 | kind | (is_wide ? WIDE : 0);
  finish_event(writer, event, first, behind);
}

static inline bool has_room_for(const struct writer *writer, long words) {
  return writer->epoch == atomic_load_explicit(&process->epoch, memory_order_acquire) && writer->end - writer->next >= words;
}

static inline bool has_room(const struct writer *writer) { return has_room_for(writer, LONGEST_EVENT); }

/* Under the lock: what a thread knows of a process that it has not written for. */
static void join_process(struct writer *writer) {
  *writer = (struct writer){.epoch = process->epoch, .busy = writer->busy, .calling = writer->calling};
  if (self.epoch == process->epoch) return;
  self.epoch = process->epoch;
  self.number = ++process->threads;
  self.destructor_rounds = 0;
#ifdef STACKS
  self.has_bounds = false;
  self.random = 0;
#endif
  if (has_thread_end) pthread_setspecific(thread_end, &self);
}

/* Under the lock: gives the thread room for an event of so many words, and for the note that it begins. */
static bool find_room(struct writer *writer, long words) {
  words += LONGEST_EVENT;
  if (process->epoch == 0 && !begin_process()) return false;
  if (writer->epoch != process->epoch) join_process(writer); /* its window, if it has one, is the parent's */
  bool is_fresh = writer->window == NULL;
  if (!is_fresh && writer->end - writer->next >= words) return true;
  if (!is_fresh && !process->is_confined) {
    if (!empty_window(writer->window)) return false;
    writer->next = writer->window->words;
    return true;
  }
  do {
    writer->window = new_window();
    if (writer->window == NULL) return false;
    writer->next = writer->window->next;
    writer->end = writer->window->words + sizeof writer->window->words / sizeof writer->window->words[0];
    if (process->stopped != 0) return false; /* the window's pages are gone, and so is what they said */
    if (writer->end - writer->next >= words) break;
    if (process->is_confined) continue;
    if (!empty_window(writer->window)) return false;
    writer->next = writer->window->words;
  } while (writer->end - writer->next < words);
  write_event(writer, NOTE, THREAD, self.number, BEGINS, 0);
  return true;
}

/* What a child of vfork cannot do, having given up its rights, is not for its parent to suffer from. */
static void give_up(int error) {
  if (process->file == NULL && nearest != NULL) { /* a fork, whose parent tells of it */
    atomic_fetch_add(&nearest->lost_forks, 1);
    atomic_store(&nearest->lost_fork_error, (uint32_t)error);
  }
  if (process->file == NULL || process->is_confined || process->file->pid == (uint32_t)syscall(SYS_getpid)) stop(error);
  else atomic_fetch_add(&process->file->lost, 1);
}

/* The writer is no longer in a system call, if it was counted: not in a child of fork, whose parent has counted it. */
static void count_return(struct writer *writer) {
  struct file_header *const header = writer->calling;
  writer->calling = NULL;
  if (header != NULL) atomic_fetch_sub(&header->calling, 1);
}

static __attribute__((noinline)) bool refill_for(struct writer *writer, long words) {
  if (atomic_load(&process->stopped) != 0) return false;
  const int error = errno;
  struct file_header *const header = process->is_confined ? NULL : process->file;
  if (header != NULL) {
    writer->calling = header;
    atomic_fetch_add(&header->calling, 1);
  }
  const bool is_handler = process->is_confined && writer != self.writers; /* it may have interrupted who has the lock */
  if (is_handler && atomic_exchange_explicit(&process->lock, 1, memory_order_acquire) != 0) {
    atomic_fetch_add(&process->file->lost, 1);
    return false;
  }
  const struct signals signals = is_handler ? (struct signals){.are_blocked = false} : lock();
  const bool found = process->stopped == 0 && find_room(writer, words);
  if (!found && process->stopped == 0) give_up(errno);
  unlock(signals);
  count_return(writer);
  errno = error;
  return found;
}

static bool refill(struct writer *writer) { return refill_for(writer, LONGEST_EVENT); }

/* Another thread may go on with what this one has begun; in a child of fork, that was the parent's. */
static void give_back(struct writer *writer) {
  struct chunk *window = writer->window;
  const uint32_t epoch = writer->epoch;
  window->next = writer->next;
  writer->next = writer->end = NULL;
  writer->window = NULL;
  const struct signals signals = lock();
  if (epoch == process->epoch) {
    window->next_free = process->free_windows;
    process->free_windows = window;
  }
  unlock(signals);
}

/* ---- who interrupted the recorder, and does not come back -------------------------------------------------------- */

/* An approximation of where the stack ends: the frame of the function that this is in. */
#define FRAME ((uintptr_t)__builtin_frame_address(0))

/*
 * Whether a frame is gone: one calls now that cannot have been called from it, since it lies above it on the stack. So a
 * handler has jumped out. One on a stack of its own, or a process that may not ask for that, says nothing about it.
 */
static bool is_gone(uintptr_t frame, uintptr_t now) {
  stack_t other;
  if (now < frame || process->is_confined || syscall(SYS_sigaltstack, NULL, &other) != 0) return false;
  return (other.ss_flags & SS_ONSTACK) == 0 || frame - (uintptr_t)other.ss_sp < other.ss_size;
}

/* Takes back what a frame had begun that is gone. */
static void take_back(struct writer *writer) {
  count_return(writer);
#ifdef STACKS
  if (writer->gathering != NULL) atomic_store_explicit(&writer->gathering->is_taken, 0, memory_order_release);
  writer->gathering = NULL;
#endif
  if (writer->window != NULL && writer->next < writer->end && writer->epoch == process->epoch) {
    atomic_store((_Atomic uint64_t *)writer->next, 0);
    memset(writer->next, 0, (size_t)((char *)writer->end - (char *)writer->next));
  }
  writer->busy = 0;
}

/* A writer where the first one is busy; NULL, and the call is counted, if all are. */
static __attribute__((noinline)) struct writer *other_writer(uintptr_t now) {
  for (int at = 0; at < WRITERS; at++) { /* one that was in a system call is counted until it is taken back: at once */
    struct writer *const writer = &self.writers[at];
    if (writer->calling != NULL && is_gone(writer->busy, now + SIGNAL_BYTES)) take_back(writer);
    if (writer->busy == 0) return writer;
  }
  for (int at = 0; at < WRITERS; at++) {
    if (!is_gone(self.writers[at].busy, now + SIGNAL_BYTES)) continue;
    take_back(&self.writers[at]);
    return &self.writers[at];
  }
  if (process->file != NULL) atomic_fetch_add(&process->file->lost, 1);
  return NULL;
}

/* The writer for what is called now. */
static inline struct writer *writer_at(uintptr_t now) {
  return UNLIKELY(self.writers->busy != 0) ? other_writer(now) : self.writers;
}

/* Whether a thread is still in what a frame has begun, and not because a handler has jumped out of it. */
static __attribute__((noinline)) bool is_still_in(volatile uintptr_t *frame, uintptr_t now) {
  if (!is_gone(*frame, now)) return true;
  *frame = 0;
  return false;
}

/*
 * In a child of fork: frames of the recorder that a signal handler had interrupted when it forked will go on, and write to
 * windows that are the parent's. From here on those are memory of the child's own.
 */
static void leave_windows(void) {
  for (struct writer *writer = self.writers; writer < self.writers + WRITERS; writer++) {
    writer->calling = NULL;
    if (writer->busy == 0 || writer->window == NULL || writer->epoch == process->epoch) continue;
    mmap(writer->window, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  }
}

/* Whether an address is in what the thread has mapped of the file. */
static bool is_of_file(uintptr_t address) {
  bool is_it = address - (uintptr_t)process->looked_at < CHUNK_BYTES || address - (uintptr_t)process->file < HEADER_BYTES ||
               address - (uintptr_t)nearest < HEADER_BYTES;
  for (int at = 0; at < WRITERS; at++) is_it |= address - (uintptr_t)self.writers[at].window < CHUNK_BYTES;
  return is_it && address >= HEADER_BYTES; /* none of them is at 0, which is what is not there */
}

/* Another has made the file shorter: what was behind its end goes to memory, and nothing more is recorded. */
static void page_is_gone(int signal, siginfo_t *info, void *context) {
  (void)context;
  const uintptr_t page = (uintptr_t)getauxval(AT_PAGESZ), at = (uintptr_t)info->si_addr & ~(page - 1);
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, error = errno;
  if (info->si_code == BUS_ADRERR && is_of_file((uintptr_t)info->si_addr) &&
      mmap((void *)at, page, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED) {
    if (process->stopped == 0) stop(ESTALE);
    errno = error;
    return;
  }
  /* It was none of the recorder's. The instruction is tried again, or the signal sent again, and does what it does. */
  const struct sigaction usual = {.sa_handler = SIG_DFL};
  sigaction(signal, &usual, NULL);
  if (info->si_code <= 0) raise(signal);
}

/* Where the program has no use for SIGBUS, which would end it. */
static void survive_lost_pages(void) {
  struct sigaction action;
  if (sigaction(SIGBUS, NULL, &action) != 0 || (action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler != SIG_DFL) return;
  action = (struct sigaction){.sa_sigaction = page_is_gone, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART};
  sigaction(SIGBUS, &action, NULL);
}

/* ---- stretches: what is recorded between two signals -------------------------------------------------------------- */

/* Whether a block of a stretch may be at an address: a bit for each, by a hash. */
static _Atomic uint64_t may_be_recorded[1 << 16];

static _Atomic uint64_t *word_of(const void *address, uint64_t *bit) {
  const uint64_t hash = ((uint64_t)(uintptr_t)address >> 4) * 0x9e3779b97f4a7c15u >> 42;
  *bit = (uint64_t)1 << (hash & 63);
  return &may_be_recorded[hash >> 6];
}

/* Whether an event counts, with pauses; `detail` is told if it is paused. */
static __attribute__((noinline)) bool counts(struct writer *writer, unsigned kind, unsigned *detail, const void *address) {
  uint64_t bit;
  _Atomic uint64_t *const word = word_of(address, &bit);
  const bool paused = atomic_load_explicit(&is_paused, memory_order_relaxed) != 0;
  const bool may_be = (atomic_load_explicit(word, memory_order_relaxed) & bit) != 0;
  switch (kind) {
    case FREE:
      if (paused) *detail = PAUSED;
      return !paused || may_be;
    case REALLOC_BEGIN:
      if (paused) *detail = PAUSED;
      writer->is_moving = !paused || may_be;
      return writer->is_moving;
    case REALLOC_END:
      if (!writer->is_moving) return false;
      writer->is_moving = false;
      if (paused) *detail = PAUSED;
      break;
    case NOTE:
      return true;
    default:
      if (paused) return false;
  }
  atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
  return true;
}

static void toggle(int ignored) {
  (void)ignored;
  const bool goes_on = atomic_fetch_xor(&is_paused, 1) != 0;
  if (goes_on && process->file != NULL) atomic_fetch_add(&process->file->stretches, 1);
}

static void listen(void) {
  struct sigaction action = {.sa_handler = toggle, .sa_flags = SA_RESTART | SA_ONSTACK};
  sigaction(SIGUSR2, &action, NULL);
}

/* Whether a signal still toggles; if not, the program handles it itself, or ignores it. */
static bool is_listening(void) {
  struct sigaction action;
  return sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == toggle;
}

/* ---- stacks ------------------------------------------------------------------------------------------------------ */

#ifdef STACKS

static struct stack_table *table; /* NULL if stacks are not asked for, or there is no memory */
static enum stacks_by stacks_by;
static unsigned depth = 64;
static uint64_t sample_bytes;

/* The natural logarithm of a whole number over 2^53, from 2^-53 to 1, to some 9 digits: that of libm may not be there. */
static double logarithm(uint64_t numerator) {
  const int zeros = __builtin_clzll(numerator) - 11;
  const double mantissa = (double)(numerator << zeros) / 9007199254740992.0; /* from a half to 1 */
  const double x = (mantissa - 0.75) / (mantissa + 0.75), y = x * x;
  const double series = 2 * x * (1 + y * (1 / 3. + y * (1 / 5. + y * (1 / 7. + y * (1 / 9. + y / 11)))));
  return series - 0.28768207245178090 /* ln 0.75 */ - zeros * 0.69314718055994531;
}

/* How many bytes until the next sample: exponential, from xorshift64*. */
static int64_t bytes_to_sample(void) {
  self.random ^= self.random >> 12;
  self.random ^= self.random << 25;
  self.random ^= self.random >> 27;
  const uint64_t bits = self.random * 0x2545f4914f6cdd1du;
  return (int64_t)(-logarithm(bits >> 11 == 0 ? 1 : bits >> 11) * (double)sample_bytes);
}

static bool wants_stack(unsigned kind, const void *address, uint64_t size) {
  if (table == NULL || address == NULL || kind == FREE || kind == REALLOC_BEGIN || kind == NOTE) return false;
  if (sample_bytes == 0) return true;
  if (UNLIKELY(self.random == 0)) {
    self.random = ((process->is_confined ? 0 : nanoseconds(CLOCK_MONOTONIC)) ^ (uint64_t)(uintptr_t)&self * 0x9e3779b97f4a7c15u) | 1;
    for (int round = 0; round < 4; round++) self.until_sample = bytes_to_sample();
  }
  self.until_sample -= (int64_t)size;
  if (self.until_sample >= 0) return false;
  self.until_sample = bytes_to_sample();
  return true;
}

/* Writes a NOTE, and as the words that belong to it a head of so many words and a tail of so many bytes. */
static bool write_note(struct writer *writer, unsigned what, const void *head, size_t head_words, const void *tail, size_t tail_bytes) {
  const size_t words = head_words + (tail_bytes + 7) / 8;
  if (!has_room_for(writer, (long)words + 2) && !refill_for(writer, (long)words + 2)) return false;
  const uint64_t sequence = atomic_fetch_add_explicit(&process->sequence, 1, memory_order_relaxed);
  uint64_t *const event = writer->next;
  event[1] = words;
  memcpy(event + 2, head, head_words * sizeof *event);
  memcpy(event + 2 + head_words, tail, tail_bytes);
  finish_event(writer, event, sequence << 10 | what << 4 | NOTE, event + 2 + words);
  return true;
}

static bool write_module(struct writer *writer, const struct module *module) {
  const char *const path = module->path[0] == 0 ? executable : module->path;
  struct {
    uint64_t start, end, bias;
    uint32_t build_id_bytes, path_bytes;
    char build_id[MOST_BUILD_ID];
  } head = {module->start, module->end, module->bias, module->build_id_bytes, (uint32_t)strnlen(path, PATH_BYTES), {0}};
  memcpy(head.build_id, module->build_id, MOST_BUILD_ID);
  return write_note(writer, MODULE, &head, sizeof head / 8, path, head.path_bytes);
}

/* Writes a new stack, behind the modules that are new in it; 0 if there is no room. */
static uint32_t define(struct writer *writer, const struct stack *stack) {
  for (unsigned at = 0; at < stack->count; at++) {
    struct module module;
    if (is_known(table, stack->frames[at]) || !find_module(stack->frames[at], &module)) continue;
    if (!write_module(writer, &module)) return 0;
    add_known(table, &module);
  }
  const uint32_t number = atomic_fetch_add(&table->stacks, 1) + 1;
  const uint64_t head[] = {number, stack->is_cut};
  return write_note(writer, STACK, head, 2, stack->frames, stack->count * sizeof stack->frames[0]) ? number : 0;
}

static uint32_t no_stack(void) {
  atomic_fetch_add_explicit(&process->file->lost_stacks, 1, memory_order_relaxed);
  return 0;
}

/* The number of a stack that was found for good. */
static uint32_t number_of(struct writer *writer, const struct stack *stack, uint64_t seed) {
  const uint32_t at = entry_of(table, key_of(stack, seed)), known = stack_at(table, at);
  if (known != 0) return known;
  if (at == ENTRIES) return no_stack();
  const uint32_t number = define(writer, stack);
  set_stack_at(table, at, number);
  return number;
}

/* Once for a thread. The program may ask libc the same, which holds a lock then, and allocates: it has to be before that. */
static void keep_bounds(void) {
  if (self.has_bounds || process->is_confined) return;
  const uintptr_t was_inside = self.inside;
  self.inside = FRAME; /* what libc allocates for that is not the program's */
  self.bounds = find_bounds();
  self.has_bounds = true;
  self.inside = was_inside;
}

/* The number of the stack that is found now; 0 if there is none. */
static uint32_t gathered(struct writer *writer, struct stack *walked, struct stack *unwound) {
  const uint64_t generation = atomic_load_explicit(&table->generation, memory_order_acquire) << 2;
  uint32_t number = 0, at = ENTRIES;
  walked->count = 0;
  if (UNLIKELY(!self.has_bounds)) keep_bounds();
  if (stacks_by != UNWINDER) walk(walked, self.bounds, depth);
  if (stacks_by == FRAME_POINTERS) return walked->count == 0 ? 0 : number_of(writer, walked, generation);
  if (walked->count > 0) {
    at = entry_of(table, key_of(walked, generation + 1));
    number = stack_at(table, at);
    if (number != 0 && number != UNTRUSTED) return number;
  }
  const bool is_new = at != ENTRIES && number == 0;
  if (!process->is_confined && !has_stack_left(self.bounds)) return no_stack();
  unwind(unwound, depth);
  const unsigned both = common(walked, unwound);
  /* Code without tables: frame pointers, which were right so far, lead on. */
  const bool is_short = both == unwound->count && walked->count > both && !has_root(unwound) && !unwound->is_cut;
  if (is_short) number = number_of(writer, walked, generation);
  else number = unwound->count == 0 ? 0 : number_of(writer, unwound, generation);
  if (is_new) set_stack_at(table, at, is_short || agree(walked, unwound) ? number : UNTRUSTED);
  return number;
}

/*
 * The number of the stack that malloc was called with; 0 if there is none. The thread is busy, and has a file. What a handler
 * calls that has interrupted this has no stack, nor has what the unwinder should allocate.
 */
static __attribute__((noinline)) uint32_t present_stack(struct writer *writer) {
  if (self.unwinding != 0 && is_still_in(&self.unwinding, FRAME)) return no_stack();
  self.unwinding = FRAME;
  struct gathering *gathering = NULL;
  for (;;) {
    for (uint32_t at = 0; gathering == NULL && at < GATHERINGS; at++) {
      struct gathering *const next = &table->gatherings[(self.number + at) % GATHERINGS];
      if (atomic_exchange_explicit(&next->is_taken, 1, memory_order_acquire) == 0) gathering = next;
    }
    if (gathering != NULL || atomic_load(&table->is_emptied) == 0) break; /* if not, they are free in some milliseconds */
    if (!process->is_confined) sched_yield();
  }
  uint32_t number;
  if (gathering == NULL) number = no_stack();
  else {
    writer->gathering = gathering;
    number = gathered(writer, &gathering->walked, &gathering->unwound);
    writer->gathering = NULL;
    atomic_store_explicit(&gathering->is_taken, 0, memory_order_release);
  }
  self.unwinding = 0;
  return number;
}

/* For the file's head. */
static void describe_stacks(struct file_header *header) {
  header->stacks_by = table == NULL ? 0 : stacks_by;
  header->depth = depth;
  header->sample_bytes = sample_bytes;
}

/* A table that a forked child finds empty. */
static void open_stacks(void) {
  const char *const by = variable("HAKMEM_RECORDING_STACKS");
  const char *const frames = variable("HAKMEM_RECORDING_DEPTH"), *const sample = variable("HAKMEM_RECORDING_SAMPLE");
  if (by == NULL) return;
  stacks_by = by[0] == 'f' ? FRAME_POINTERS : by[0] == 'u' ? UNWINDER : AUTO;
  if (frames != NULL) depth = (unsigned)strtoul(frames, NULL, 10);
  if (depth < 1 || depth > MOST_FRAMES) depth = MOST_FRAMES;
  if (sample != NULL) sample_bytes = strtoull(sample, NULL, 10);
  if (sample_bytes > MOST_SAMPLE) sample_bytes = MOST_SAMPLE;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  struct stack_table *const mapped = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (mapped == MAP_FAILED || madvise(mapped, sizeof *mapped, MADV_WIPEONFORK) != 0) return;
  self.inside = FRAME;
  start_stacks((uintptr_t)dlsym(RTLD_NEXT, "__libc_start_main"), mapped);
  self.inside = 0;
  table = mapped;
}

/*
 * A module may have gone. Where that has happened often, the stacks of before fill the table. It is emptied then while no
 * thread looks into it; and by no signal handler, which might wait for the thread that it has interrupted.
 */
static void module_may_have_gone(void) {
  if (!forget_gone(table) || atomic_load(&table->used) <= ENTRIES / 4) return;
  if (process->is_confined || self.writers->busy != 0) return;
  const struct signals signals = block_signals();
  self.writers->busy = FRAME;
  empty_table(table);
  self.writers->busy = 0;
  restore_signals(signals);
}

#else

static inline bool wants_stack(unsigned kind, const void *address, uint64_t size) {
  (void)kind, (void)address, (void)size;
  return false;
}
static inline uint32_t present_stack(struct writer *writer) {
  (void)writer;
  return 0;
}
static void describe_stacks(struct file_header *header) { (void)header; }
static void open_stacks(void) {}

#endif

static inline __attribute__((always_inline)) void record(unsigned kind, unsigned detail, const void *address, uint64_t size) {
  if (UNLIKELY(self.inside != 0) && is_still_in(&self.inside, FRAME)) return;
  struct writer *const writer = writer_at(FRAME);
  if (UNLIKELY(writer == NULL)) return;
  if (UNLIKELY(has_pauses) && !counts(writer, kind, &detail, address)) return;
  writer->busy = FRAME;
  const bool had_room = has_room(writer);
  if (__builtin_expect(had_room, 1) || refill(writer)) {
    uint32_t stack = 0;
    bool has_room_still = true;
    if (UNLIKELY(wants_stack(kind, address, size))) {
      stack = present_stack(writer);
      has_room_still = has_room(writer) || refill(writer);
    }
    if (has_room_still) write_event(writer, kind, detail, (uint64_t)(uintptr_t)address, size, stack);
    if (!had_room && self.destructor_rounds >= PTHREAD_DESTRUCTOR_ITERATIONS) give_back(writer); /* end_thread comes no more */
  }
  writer->busy = 0;
}

/* Runs when a thread ends, as late as its other destructors allow: they free, too. */
static void end_thread(void *ignored) {
  (void)ignored;
  if (++self.destructor_rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
    pthread_setspecific(thread_end, &self);
    return;
  }
  record(NOTE, THREAD, (void *)(uintptr_t)self.number, ENDS);
  for (struct writer *writer = self.writers; writer < self.writers + WRITERS; writer++) {
    if (writer->busy != 0 && is_gone(writer->busy, FRAME + SIGNAL_BYTES)) take_back(writer);
    /* If it is still busy, the thread ended in an event. */
    if (writer->busy != 0 || writer->epoch != process->epoch || writer->window == NULL) continue;
    writer->busy = FRAME;
    give_back(writer);
    writer->busy = 0;
  }
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
  int (*execve)(const char *, char *const *, char *const *);
  int (*execvpe)(const char *, char *const *, char *const *);
  int (*fexecve)(int, char *const *, char *const *);
  int (*execveat)(int, const char *, char *const *, char *const *, int);
  int (*posix_spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const *,
                     char *const *);
  int (*posix_spawnp)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const *,
                      char *const *);
  int (*prctl)(int, ...);
  pid_t (*_Fork)(void);
#ifdef STACKS
  int (*dlclose)(void *);
  int (*pthread_getattr_np)(pthread_t, pthread_attr_t *);
#endif
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
  const char *name = variable("HAKMEM_RECORDING");
  if (name == NULL || strlen(name) >= sizeof folder) return;
  strcpy(folder, name);
  const char *others = variable("LD_PRELOAD"), *room = variable("HAKMEM_RECORDING_ROOM");
  if (others != NULL) snprintf(library, sizeof library, "%.*s", (int)strcspn(others, ": "), others);
  if (room != NULL) first_room = strtoull(room, NULL, 10) / CHUNK_BYTES * CHUNK_BYTES;
  const size_t bytes = (sizeof(struct process) + 65535) & ~(size_t)65535;
  void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED || madvise(page, bytes, MADV_WIPEONFORK) != 0) return;
  has_thread_end = pthread_key_create(&thread_end, end_thread) == 0;
  pthread_atfork(NULL, NULL, leave_windows);
  survive_lost_pages();
  has_pauses = variable("HAKMEM_RECORDING_PAUSED") != NULL;
  is_paused = has_pauses;
  if (has_pauses) listen(); /* before there is a file: who waits for that may send the signal then */
  open_stacks();
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
  FIND(execve);
  FIND(execvpe);
  FIND(fexecve);
  FIND(execveat);
  FIND(posix_spawn);
  FIND(posix_spawnp);
  FIND(prctl);
  FIND(_Fork);
#ifdef STACKS
  FIND(dlclose);
  FIND(pthread_getattr_np);
  *(void **)&find_object = dlsym(RTLD_NEXT, "_dl_find_object");
#endif
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

/* The file is made here, though nothing is asked for yet: a program may soon have no right to open one. */
static __attribute__((constructor)) void start_at_last(void) {
  if (!is_ready() || self.writers->busy != 0 || has_room(self.writers)) return;
  self.writers->busy = FRAME;
  refill(self.writers);
  self.writers->busy = 0;
}

/* ---- what the program calls instead of them --------------------------------------------------------------------- */

/* Rounded up, as memalign does with what is not a power of two. */
static unsigned log2_of(size_t alignment) {
  const unsigned log2 = alignment <= 1 ? 0 : (unsigned)(8 * sizeof(unsigned long)) - (unsigned)__builtin_clzl(alignment - 1);
  return log2 < MOST_DETAIL ? log2 : MOST_DETAIL;
}

static inline __attribute__((always_inline)) void *allocated(unsigned kind, size_t alignment, void *block, size_t size) {
  if (block != NULL) record(kind, log2_of(alignment), block, size);
  return block;
}

/* Calls a real function that may be made of others. */
#define INSIDE(result, call)          \
  do {                                \
    const uintptr_t was = self.inside; \
    self.inside = FRAME;              \
    result = call;                    \
    self.inside = was;                \
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
  /* NULL for a size of 0 means that it was freed, as glibc does; otherwise it failed, and the block is as it was. */
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

#ifdef STACKS
EXPORT int dlclose(void *handle) {
  if (!is_ready() || real.dlclose == NULL) return -1;
  const int result = real.dlclose(handle);
  if (table != NULL) module_may_have_gone();
  return result;
}

EXPORT int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes) {
  if (!is_ready() || real.pthread_getattr_np == NULL) return ENOSYS;
  if (table != NULL && self.writers->busy == 0 && self.inside == 0) {
    self.writers->busy = self.inside = FRAME;
    if (has_room(self.writers) || refill(self.writers)) keep_bounds();
    self.writers->busy = self.inside = 0;
  }
  return real.pthread_getattr_np(thread, attributes);
}

#ifdef ENDS_WITHOUT_TABLES
/* Of libgcc's unwinder, and of the program's. */
EXPORT int _dl_find_object(void *address, struct dl_find_object *found) {
  if (find_object == NULL && (!is_ready() || find_object == NULL)) return -1;
  const int result = find_object(address, (struct found_object *)found);
  if (result == 0 || self.unwinding == 0) return result;
  has_no_callers(address, (struct found_object *)found);
  return 0;
}
#endif
#endif

/* ---- how a process ends, and what it becomes --------------------------------------------------------------------- */

/* Whether this is the process whose file it is, and not a child of its vfork. */
static bool is_own_process(void) { return process->file != NULL && process->file->pid == (uint32_t)syscall(SYS_getpid); }

static __attribute__((destructor)) void note_times(void) {
  if (process->is_confined || !is_own_process()) return;
  if (has_pauses) atomic_store(&process->file->lost_signal, !is_listening());
  atomic_store(&process->file->wall, nanoseconds(CLOCK_MONOTONIC) - process->began);
  atomic_store(&process->file->processor, nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - process->began_processor);
}

EXPORT _Noreturn void _exit(int status) {
  note_times();
  for (;;) syscall(SYS_exit_group, status);
}

EXPORT _Noreturn void _Exit(int status) { _exit(status); }

/*
 * Whether the bytes from one address to another can be read, of which the page of the first is asked for anew: a program may
 * hand anything to exec, and is told EFAULT. The system looks at a mask before it finds that there is no such thing to do with
 * it. A process that is confined asks nothing, and is believed.
 */
static bool can_read(const char *from, const char *to) {
  enum { PAGE = 4096, MASK = 8 };
  if (process->is_confined) return true;
  for (uintptr_t at = (uintptr_t)from & ~(uintptr_t)(MASK - 1); at <= (uintptr_t)to; at = (at | (PAGE - 1)) + 1) {
    if (at < PAGE || (syscall(SYS_rt_sigprocmask, -1, at, NULL, MASK) != 0 && errno == EFAULT)) return false;
  }
  return true;
}

/* How long a text is, at most so long; -1 if it cannot be read. */
static long length_of(const char *text, long most) {
  if (!can_read(text, text)) return -1;
  for (long length = 0; length < most; length++) {
    if ((uintptr_t)(text + length) % 4096 == 0 && length > 0 && !can_read(text + length, text + length)) return -1;
    if (text[length] == 0) return length;
  }
  return most;
}

/* Whether a program that gets these variables will have the recorder in it, if it can. */
static bool passes_on(char *const *variables) {
  static const char preload[] = "LD_PRELOAD=", recording[] = "HAKMEM_RECORDING=";
  bool has_library = false, has_folder = false;
  for (; variables != NULL; variables++) {
    if (!can_read((const char *)variables, (const char *)(variables + 1) - 1) || *variables == NULL) break;
    if (length_of(*variables, LONG_MAX) < 0) return false; /* the system refuses that */
    if (strncmp(*variables, preload, sizeof preload - 1) == 0) has_library = strstr(*variables, library) != NULL;
    if (strncmp(*variables, recording, sizeof recording - 1) == 0) has_folder = true;
  }
  return has_library && has_folder;
}

/*
 * Notes what a process is about to become; NULL if there is no room for that, or no name, which the system refuses. Also in
 * a child of fork or vfork.
 */
static struct note *add_note(uint32_t pid, const char *path, char *const *variables) {
  const int error = errno;
  const long found = nearest == NULL ? -1 : length_of(path, PATH_BYTES);
  const bool has_recorder = found >= 0 && passes_on(variables);
  errno = error;
  if (found < 0) return NULL;
  const size_t length = (size_t)found, bytes = (sizeof(struct note) + length + 1 + 7) & ~(size_t)7;
  const uint32_t at = atomic_fetch_add(&nearest->note_bytes, (uint32_t)bytes);
  if (at > sizeof nearest->notes || bytes > sizeof nearest->notes - at) {
    atomic_fetch_sub(&nearest->note_bytes, (uint32_t)bytes);
    atomic_fetch_add(&nearest->lost_notes, 1);
    return NULL;
  }
  struct note *note = (struct note *)(nearest->notes + at);
  note->pid = pid;
  note->bytes = (uint16_t)bytes;
  memcpy(note->path, path, length);
  atomic_store(&note->state, has_recorder ? RECORDED : WITHOUT);
  return note;
}

static struct note *add_own_note(const char *path, char *const *variables) {
  if (was_confined && process->file == NULL) return NULL; /* who that is cannot be asked */
  return add_note(was_confined ? process->file->pid : (uint32_t)syscall(SYS_getpid), path, variables);
}

/* The program was not started: the process goes on. */
static int not_started(struct note *note, int result) {
  if (note != NULL) atomic_store(&note->state, NOT_STARTED);
  return result;
}

static int no_such_call(void) {
  errno = ENOSYS;
  return -1;
}

EXPORT int execve(const char *path, char *const *arguments, char *const *variables) {
  if (!is_ready() || real.execve == NULL) return no_such_call();
  struct note *note = add_own_note(path, variables);
  return not_started(note, real.execve(path, arguments, variables));
}

EXPORT int execvpe(const char *name, char *const *arguments, char *const *variables) {
  if (!is_ready() || real.execvpe == NULL) return no_such_call();
  struct note *note = add_own_note(name, variables);
  return not_started(note, real.execvpe(name, arguments, variables));
}

EXPORT int fexecve(int number, char *const *arguments, char *const *variables) {
  if (!is_ready() || real.fexecve == NULL) return no_such_call();
  struct note *note = add_own_note("", variables);
  return not_started(note, real.fexecve(number, arguments, variables));
}

EXPORT int execveat(int folder_number, const char *path, char *const *arguments, char *const *variables, int flags) {
  if (!is_ready() || real.execveat == NULL) return no_such_call();
  struct note *note = add_own_note(path, variables);
  return not_started(note, real.execveat(folder_number, path, arguments, variables, flags));
}

EXPORT int execv(const char *path, char *const *arguments) { return execve(path, arguments, environ); }

EXPORT int execvp(const char *name, char *const *arguments) { return execvpe(name, arguments, environ); }

/* On the stack: a child of vfork may allocate nothing. Behind NULL stand the variables of execle. */
#define ARGUMENTS(first)                                            \
  size_t count = 1;                                                 \
  va_list list;                                                     \
  va_start(list, first);                                            \
  while (va_arg(list, char *) != NULL) count++;                     \
  va_end(list);                                                     \
  char *arguments[count + 1];                                       \
  arguments[0] = (char *)(uintptr_t)first;                          \
  va_start(list, first);                                            \
  for (size_t at = 1; at <= count; at++) arguments[at] = va_arg(list, char *)

EXPORT int execl(const char *path, const char *first, ...) {
  ARGUMENTS(first);
  va_end(list);
  return execve(path, arguments, environ);
}

EXPORT int execlp(const char *name, const char *first, ...) {
  ARGUMENTS(first);
  va_end(list);
  return execvpe(name, arguments, environ);
}

EXPORT int execle(const char *path, const char *first, ...) {
  ARGUMENTS(first);
  char *const *variables = va_arg(list, char *const *);
  va_end(list);
  return execve(path, arguments, variables);
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const *arguments, char *const *variables) {
  pid_t started = 0;
  if (!is_ready() || real.posix_spawn == NULL) return ENOSYS;
  const int error = real.posix_spawn(&started, path, actions, attributes, arguments, variables);
  if (error == 0) add_note((uint32_t)started, path, variables);
  if (error == 0 && pid != NULL) *pid = started;
  return error;
}

EXPORT int posix_spawnp(pid_t *pid, const char *name, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const *arguments, char *const *variables) {
  pid_t started = 0;
  if (!is_ready() || real.posix_spawnp == NULL) return ENOSYS;
  const int error = real.posix_spawnp(&started, name, actions, attributes, arguments, variables);
  if (error == 0) add_note((uint32_t)started, name, variables);
  if (error == 0 && pid != NULL) *pid = started;
  return error;
}

/* Which calls nothing in the child, as fork does. */
EXPORT pid_t _Fork(void) {
  if (!is_ready() || real._Fork == NULL) return no_such_call();
  const pid_t child = real._Fork();
  if (child == 0) leave_windows();
  return child;
}

/* Before a process shuts itself in; a child of vfork that does it will be another program. */
static void prepare_for_sandbox(void) {
  const int error = errno;
  if (process->file == NULL && !was_confined) start_at_last();
  if (!process->is_confined && is_own_process()) {
    const struct signals signals = lock();
    confine(SANDBOX_BYTES);
    unlock(signals);
  }
  errno = error;
}

EXPORT int prctl(int what, ...) {
  unsigned long arguments[4];
  va_list list;
  va_start(list, what);
  for (int at = 0; at < 4; at++) arguments[at] = va_arg(list, unsigned long);
  va_end(list);
  if (!is_ready() || real.prctl == NULL) return no_such_call();
  if (what == PR_SET_SECCOMP || (what == PR_SET_NO_NEW_PRIVS && arguments[0] == 1)) prepare_for_sandbox();
  return real.prctl(what, arguments[0], arguments[1], arguments[2], arguments[3]);
}
