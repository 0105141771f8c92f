/*
 * vm: address space from the operating system, the identity of threads, and the clocks and counters that the lab reads.
 *
 * The reservation is one private anonymous mapping, readable and writable at once (MAP_NORESERVE: no swap is set aside
 * for it, so hundreds of GiB cost nothing until they are touched). Every function that can fail returns a negative errno,
 * every other one a plain value, so that a call is one crossing of the FFI border and errno is never read from outside.
 * All of it may be called from any thread. Nothing here allocates or keeps state, but for what Workers leave behind. What is
 * for guarded blocks is in guard.c.
 *
 * Tested on Linux x86-64. The aarch64 and macOS parts are UNTESTED: written from the manuals.
 */
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE 1
#else
#define _GNU_SOURCE 1
#endif

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#if defined(__APPLE__)
#include <libproc.h>
#include <mach/mach.h>
typedef char mincore_byte;
#else
typedef unsigned char mincore_byte;
#endif

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* Sums of two values up to this cannot wrap; no machine has this much address space. */
#define ADDRESS_LIMIT ((uint64_t)1 << 62)

/* Pages asked about in one mincore: 16 KiB of stack, and 64 MiB of address space with 4 KiB pages. */
#define MINCORE_PAGES 16384

#define RESERVE_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

#if defined(__linux__)
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#define MOVE_FLAGS (MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)
#endif

/* Raised whenever a function below changes its meaning: a prebuilt library of another age is refused. */
#define ABI_VERSION 5

uint32_t hakmem_abi_version(void) { return ABI_VERSION; }

void hakmem_leave(uint64_t address, uint64_t bytes);
int32_t hakmem_purge(uint64_t address, uint64_t bytes);
void hakmem_guard_gone(uint64_t address, uint64_t bytes); /* guard.c */

uint32_t hakmem_page_size(void) { return (uint32_t)sysconf(_SC_PAGESIZE); }

/*
 * Memory that nobody has any more, but whose address may be known where nobody can see it: to a native call of a Worker
 * that was ended, or to who was given a view. So it is emptied, and stays mapped until as many others have been left behind
 * since, or there is no address space. What is kept of it lies here, never in the memory itself.
 */
#define LEFT_BEHIND 256

static struct range { uint64_t address, bytes; } left_behind[LEFT_BEHIND];
static unsigned next_left;
static pthread_mutex_t left_lock = PTHREAD_MUTEX_INITIALIZER;

/* Puts a range in the place of the one that was left longest ago, and unmaps that. */
static void replace_left(uint64_t address, uint64_t bytes) {
  pthread_mutex_lock(&left_lock);
  struct range *const oldest = &left_behind[next_left++ % LEFT_BEHIND], old = *oldest;
  *oldest = (struct range){address, bytes};
  pthread_mutex_unlock(&left_lock);
  if (old.bytes != 0) munmap((void *)(uintptr_t)old.address, old.bytes);
}

#if defined(__GLIBC__)

/*
 * What a thread has reserved goes when it ends, unless it is to outlive it. A Worker may be ended at any moment, and nothing
 * of its program runs then. The list is the thread's own, and a range is on it only while it is mapped and nobody else's, so
 * nothing is looked at there. The first thread ends with its process, and has no list.
 */
struct owned { struct range range; struct owned *next; };

static _Thread_local struct owned *owned;
static _Thread_local int is_told;

extern void *__dso_handle;
extern int __cxa_thread_atexit_impl(void (*function)(void *), void *argument, void *library);

static void at_thread_end(void *unused) {
  (void)unused;
  for (struct owned *gone; (gone = owned) != NULL; free(gone)) {
    owned = gone->next;
    hakmem_leave(gone->range.address, gone->range.bytes);
  }
}

static void own(uint64_t address, uint64_t bytes) {
  if (syscall(SYS_gettid) == getpid()) return;
  if (!is_told && __cxa_thread_atexit_impl(at_thread_end, NULL, &__dso_handle) != 0) return;
  is_told = 1;
  struct owned *const range = malloc(sizeof *range);
  if (range == NULL) return; /* then it outlives the thread, which is as bad as a leak */
  *range = (struct owned){{address, bytes}, owned};
  owned = range;
}

static void disown(uint64_t address) {
  for (struct owned **at = &owned; *at != NULL;) {
    struct owned *const range = *at;
    if (range->range.address != address) {
      at = &range->next;
      continue;
    }
    *at = range->next;
    free(range);
  }
}

#else

static void own(uint64_t address, uint64_t bytes) { (void)address, (void)bytes; }

static void disown(uint64_t address) { (void)address; }

#endif

/* Whether a range that this thread has reserved outlives it: no, until this is called. */
void hakmem_outlive(uint64_t address, uint64_t bytes, int32_t outlives) {
  disown(address);
  if (!outlives) own(address, bytes);
}

/* Empties a range that nobody has any more; see above. And all others, again: a call may have written to them since. */
void hakmem_leave(uint64_t address, uint64_t bytes) {
  disown(address);
  hakmem_guard_gone(address, bytes);
  if (hakmem_purge(address, bytes) == 0) replace_left(address, bytes);
  pthread_mutex_lock(&left_lock);
  for (int at = 0; at < LEFT_BEHIND; at++) hakmem_purge(left_behind[at].address, left_behind[at].bytes);
  pthread_mutex_unlock(&left_lock);
}

/* Address of `bytes` (rounded up to pages) of zeroed memory aligned to `alignment`, a power of two. The thread owns it. */
int64_t hakmem_reserve(uint64_t bytes, uint64_t alignment) {
  const uint64_t page = hakmem_page_size();
  if (bytes == 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return -EINVAL;
  if (bytes > ADDRESS_LIMIT || alignment > ADDRESS_LIMIT) return -ENOMEM;
  if (alignment < page) alignment = page;

  const uint64_t length = (bytes + page - 1) & ~(page - 1);
  const uint64_t span = length + (alignment - page);
  void *mapped = mmap(NULL, span, PROT_READ | PROT_WRITE, RESERVE_FLAGS, -1, 0);
  if (mapped == MAP_FAILED && errno == ENOMEM) {
    for (int left = LEFT_BEHIND; left > 0; left--) replace_left(0, 0);
    mapped = mmap(NULL, span, PROT_READ | PROT_WRITE, RESERVE_FLAGS, -1, 0);
  }
  if (mapped == MAP_FAILED) return -errno;

  /* Give back what lies outside of the aligned part. A failure here would only waste address space. */
  const uint64_t raw = (uint64_t)(uintptr_t)mapped;
  const uint64_t start = (raw + alignment - 1) & ~(alignment - 1);
  const uint64_t head = start - raw;
  const uint64_t tail = span - head - length;
  if (head != 0) munmap(mapped, head);
  if (tail != 0) munmap((void *)(uintptr_t)(start + length), tail);
  own(start, length);
  return (int64_t)start;
}

/* Whole pages go back to the system: they read as zero afterwards and stay mapped. */
int32_t hakmem_purge(uint64_t address, uint64_t bytes) {
  /* madvise rounds a length up, which would wipe bytes that nobody named. */
  if (((address | bytes) & (hakmem_page_size() - 1)) != 0) return -EINVAL;
  if (bytes == 0) return 0;
#if defined(__linux__)
  return madvise((void *)(uintptr_t)address, bytes, MADV_DONTNEED) == 0 ? 0 : -errno;
#else
  /* Elsewhere MADV_DONTNEED keeps the contents: a fresh mapping in the same place does not. */
  void *fresh = mmap((void *)(uintptr_t)address, bytes, PROT_READ | PROT_WRITE, RESERVE_FLAGS | MAP_FIXED, -1, 0);
  return fresh == MAP_FAILED ? -errno : 0;
#endif
}

/*
 * Moves whole pages, with what is in them, to where others are, which go; where they were is zero, and stays mapped. 0, or
 * -errno: -ENOSYS where the system cannot, and -EINVAL on Linux before 5.7.
 */
int32_t hakmem_move(uint64_t from, uint64_t to, uint64_t bytes) {
  if (((from | to | bytes) & (hakmem_page_size() - 1)) != 0 || bytes == 0) return -EINVAL;
#if defined(__linux__)
  void *moved = mremap((void *)(uintptr_t)from, bytes, bytes, MOVE_FLAGS, (void *)(uintptr_t)to);
  return moved == MAP_FAILED ? -errno : 0;
#else
  return -ENOSYS;
#endif
}

int32_t hakmem_release(uint64_t address, uint64_t bytes) {
  disown(address);
  hakmem_guard_gone(address, bytes);
  return munmap((void *)(uintptr_t)address, bytes) == 0 ? 0 : -errno;
}

/* 1 when the page of `address` is mapped (with whatever protection), 0 when it is not. */
int32_t hakmem_is_mapped(uint64_t address) {
  mincore_byte resident;
  const uint64_t page = hakmem_page_size();
  if (mincore((void *)(uintptr_t)(address & ~(page - 1)), page, &resident) == 0) return 1;
  return errno == ENOMEM ? 0 : -errno;
}

/* Two ends that no program gets which another thread starts meanwhile. */
static int open_pipe(int ends[2]) {
#if defined(__linux__)
  return pipe2(ends, O_CLOEXEC);
#else
  if (pipe(ends) != 0) return -1;
  for (int end = 0; end < 2; end++) fcntl(ends[end], F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

/*
 * 1 when the four bytes at `address` can be read, are `word`, and can be written; otherwise 0. A pipe takes them and gives
 * them back: where a plain access would kill the process, the system refuses. Bytes that differ are not written to.
 */
int32_t hakmem_holds(uint64_t address, uint32_t word) {
  int ends[2];
  uint32_t found = 0;
  void *const there = (void *)(uintptr_t)address;
  if (open_pipe(ends) != 0) return -errno;
  const int is_it = write(ends[1], there, sizeof found) == sizeof found &&
                    read(ends[0], &found, sizeof found) == sizeof found && found == word &&
                    write(ends[1], &found, sizeof found) == sizeof found &&
                    read(ends[0], there, sizeof found) == sizeof found;
  close(ends[0]);
  close(ends[1]);
  return is_it;
}

/* How many of the pages that the range touches are in memory. -ENOMEM when part of the range is not mapped. */
int64_t hakmem_resident_pages(uint64_t address, uint64_t bytes) {
  mincore_byte resident[MINCORE_PAGES];
  const uint64_t page = hakmem_page_size();
  const uint64_t last = address + bytes;
  uint64_t at = address & ~(page - 1);
  int64_t count = 0;
  if (last < address || bytes > ADDRESS_LIMIT) return -ENOMEM;
  while (bytes != 0 && at < last) {
    uint64_t pages = (last - at + page - 1) / page;
    if (pages > MINCORE_PAGES) pages = MINCORE_PAGES;
    if (mincore((void *)(uintptr_t)at, pages * page, resident) != 0) return -errno;
    for (uint64_t i = 0; i < pages; i++) count += resident[i] & 1;
    at += pages * page;
  }
  return count;
}

/*
 * Between an offset into a heap and a pointer. Doubles are what V8 passes fastest: a base is a multiple of 2 MiB, so it is
 * exact as one, and an offset is below 2^53. An address that is too far away for that gives an offset that is, too.
 */
void *hakmem_pointer_at(double base, double offset) {
  return (void *)((uintptr_t)base + (uintptr_t)offset);
}

double hakmem_offset_of(uintptr_t address, double base) {
  return (double)(int64_t)(address - (uintptr_t)base);
}

uint64_t hakmem_monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The cheapest steady counter of the processor, in its own unit. Not serialising. */
uint64_t hakmem_ticks(void) {
#if defined(__x86_64__)
  return __rdtsc();
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#else
  return hakmem_monotonic_nanoseconds();
#endif
}

/* Lets other threads run: gives the processor away for 0, otherwise sleeps. */
void hakmem_pause(uint32_t microseconds) {
  if (microseconds == 0) {
    sched_yield();
    return;
  }
  const struct timespec time = {.tv_sec = microseconds / 1000000, .tv_nsec = (long)(microseconds % 1000000) * 1000};
  nanosleep(&time, NULL);
}

#if defined(__APPLE__)

/* The thread that calls. The low bits of its number, which counts all threads since the system was started. */
int32_t hakmem_thread_id(void) {
  uint64_t id = 0;
  pthread_threadid_np(NULL, &id);
  return (int32_t)(id & 0x7fffffff);
}

/* 1 while a thread of this process has the number, or 0: numbers come again only after 2^31 threads. */
int32_t hakmem_thread_start(int32_t id) {
  struct proc_threadinfo info;
  return proc_pidinfo(getpid(), PROC_PIDTHREADID64INFO, (uint64_t)id, &info, sizeof info) > 0;
}

/* Not known here. */
int32_t hakmem_thread_sleep(int32_t id) { return (void)id, 0; }

static int64_t task_resident(int peak) {
  mach_task_basic_info_data_t info;
  mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
  if (task_info(mach_task_self(), MACH_TASK_BASIC_INFO, (task_info_t)&info, &count) != KERN_SUCCESS) return -EIO;
  return (int64_t)(peak ? info.resident_size_max : info.resident_size);
}

int64_t hakmem_resident_bytes(void) { return task_resident(0); }

int64_t hakmem_peak_resident_bytes(void) { return task_resident(1); }

#else

/* The head of a file of /proc as a string; a negative errno when it cannot be read. */
static int read_proc(const char *path, char *text, size_t capacity) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -errno;
  const ssize_t length = read(file, text, capacity - 1);
  const int error = errno;
  close(file);
  if (length < 0) return -error;
  text[length] = 0;
  return 0;
}

/* The thread that calls. */
int32_t hakmem_thread_id(void) { return (int32_t)syscall(SYS_gettid); }

/* What /proc says of a thread of this process, from its state on, the third field; NULL when there is no such thread. */
static const char *read_stat(int32_t id, char *text, size_t capacity, int *error) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)id);
  *error = read_proc(path, text, capacity);
  if (*error == -ENOENT || *error == -ESRCH) *error = 0;
  else if (*error == 0) {
    const char *name_end = strrchr(text, ')'); /* "id (name) state ...": the name may hold anything */
    if (name_end != NULL && name_end[1] == ' ') return name_end + 2;
    *error = -EIO;
  }
  return NULL;
}

/* The field with a number, which is over 3, of those that begin with the third. */
static uint64_t field_of(const char *field, int number) {
  for (int at = 3; field != NULL && at < number; at++) field = strchr(field + 1, ' ');
  return field == NULL ? 0 : strtoull(field, NULL, 10);
}

/*
 * When a thread of this process was started, as a positive number that a later thread with the same id does not have: the
 * clock ticks since the system was started, without their high bits. 0 when there is no such thread.
 */
int32_t hakmem_thread_start(int32_t id) {
  char text[1024];
  int error;
  const char *const stat = read_stat(id, text, sizeof text, &error);
  if (stat != NULL) return (int32_t)(field_of(stat, 22) & 0x3fffffff) + 1;
  /* A process that is out of file descriptors can still ask whether there is such a thread at all. */
  return error != 0 && syscall(SYS_tgkill, getpid(), id, 0) != 0 && errno == ESRCH ? 0 : error;
}

/*
 * Of a thread that sleeps, a positive number that follows from the time it has run; 0 of any other. While the number stays the
 * same, the thread has hardly run. One that waits for a disk does not count as asleep.
 */
int32_t hakmem_thread_sleep(int32_t id) {
  char text[1024];
  int error;
  const char *const stat = read_stat(id, text, sizeof text, &error);
  if (stat == NULL || *stat != 'S') return error;
  return (int32_t)((field_of(stat, 14) + field_of(stat, 15)) & 0x3fffffff) + 1;
}

int64_t hakmem_resident_bytes(void) {
  char text[256];
  const int error = read_proc("/proc/self/statm", text, sizeof text);
  if (error != 0) return error;
  const char *resident = strchr(text, ' '); /* "size resident shared ...", in pages */
  if (resident == NULL) return -EIO;
  return (int64_t)strtoull(resident, NULL, 10) * (int64_t)hakmem_page_size();
}

int64_t hakmem_peak_resident_bytes(void) {
  /* VmHWM is this program's own peak. ru_maxrss also remembers the process that started it. */
  char text[4096];
  if (read_proc("/proc/self/status", text, sizeof text) == 0) {
    const char *peak = strstr(text, "VmHWM:");
    if (peak != NULL) return (int64_t)strtoull(peak + strlen("VmHWM:"), NULL, 10) * 1024;
  }
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) return -errno;
  return (int64_t)usage.ru_maxrss * 1024;
}

#endif
