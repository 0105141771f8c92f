/*
 * guard: pages that nobody may touch, behind and in place of guarded blocks, and what happens when somebody does.
 *
 * The handler of SIGSEGV tells C's accesses from JavaScript's by the code that made them: what the executable itself or
 * memory without a file (V8's code) runs is JavaScript's, and so is libc called from there; all other is C's. It reads
 * /proc/self/maps for that, and then
 *
 *   JavaScript's   makes the page accessible and notes the address of a write: the access is made, and the heap finds it
 *                  when the block is freed or looked at. No typed array may end the process.
 *   C's            writes to stderr what was done to which block, who allocated and who freed it; then it puts back the
 *                  handler that was there before, and returns, so that the process dies as it would have.
 *   anybody else's is passed on to the handler that was there before, Rust's or V8's.
 *
 * The records of blocks, and the stacks, are the heap's (`src/heap/debug/books.ts`, `stacks.ts`): nothing is copied for
 * this. The handler reads them without a lock, allocates nothing, and calls what may be called in a handler; of the calls
 * that are under way `backtrace` tells, which has been called before. It runs on the thread's alternate stack where there
 * is one.
 *
 * Linux on x86-64 is tested; aarch64 is UNTESTED. Elsewhere `hakmem_guard_watch` says that it cannot be had.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdint.h>

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))

#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE ((uint64_t)4096)
#define GRANULE ((uint64_t)65536)

/* ---- heaps ---------------------------------------------------------------------------------------------------------- */

/* Where the books have how many records have ever been in use, and a stack's length and text, in words. */
#define BOOK_RECORDS 7
#define STACK_BYTES 2
#define STACK_TEXT 3
/* A record's list. */
#define LIVE 1
#define QUARANTINED 2
/* More than are ever in use: 8192 guarded blocks, 4096 that are remembered, the heads of lists, and a block a thread. */
#define RECORDS_MOST 16384
/* Words of the table of stacks. */
#define STACK_WORDS ((64 << 20) / 4)

/* A record of the books. */
struct record {
  double ptr, size;
  int32_t front, rear, size_class, list, allocated, freed, next, previous;
};

/* A heap: pointer 0, its blocks in bytes, the reservation it is part of, and its books. `base` is written last. */
struct area {
  _Atomic uint64_t base;
  uint64_t bytes, books, records, stacks;
};

#define AREAS 1024
static struct area areas[AREAS];
static pthread_mutex_t areas_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct area *area_at(uint64_t address) {
  for (int at = 0; at < AREAS; at++) {
    const uint64_t base = atomic_load(&areas[at].base);
    if (base != 0 && address >= base && address - base < areas[at].bytes) return &areas[at];
  }
  return NULL;
}

/* Whether an offset is in a block's span: a page in front of its own, and behind them all to the granule's end. */
static int is_in_span(const struct record *record, uint64_t offset) {
  const uint64_t own = (uint64_t)record->ptr - (uint64_t)record->front;
  const uint64_t end = (uint64_t)record->ptr + (uint64_t)record->size + (uint64_t)record->rear;
  return offset >= own - PAGE && offset < ((end + PAGE + GRANULE - 1) & ~(GRANULE - 1));
}

/* The block whose span an offset is in, live or in quarantine. */
static const struct record *record_at(const struct area *area, uint64_t offset) {
  const struct record *const records = (const struct record *)(uintptr_t)area->records;
  const int32_t count = ((const int32_t *)(uintptr_t)area->books)[BOOK_RECORDS]; /* C may have overwritten it */
  for (int32_t at = 0; at <= count && at < RECORDS_MOST; at++) {
    const struct record *const record = &records[at];
    if ((record->list == LIVE || record->list == QUARANTINED) && is_in_span(record, offset)) return record;
  }
  return NULL;
}

/* ---- what JavaScript has written ------------------------------------------------------------------------------------ */

#define WRITES 1024
static _Atomic uint64_t writes[WRITES];
static _Atomic unsigned next_write;

static void note_write(uint64_t address) { atomic_store(&writes[atomic_fetch_add(&next_write, 1) % WRITES], address); }

/* The lowest address of a range that JavaScript has written while nobody might; 0 if there is none. They may be forgotten. */
uint64_t hakmem_guard_written(uint64_t address, uint64_t bytes, int32_t forget) {
  uint64_t lowest = 0;
  if (atomic_load(&next_write) == 0) return 0; /* of a sound program */
  for (int at = 0; at < WRITES; at++) {
    uint64_t written = atomic_load(&writes[at]);
    if (written < address || written - address >= bytes) continue;
    if (lowest == 0 || written < lowest) lowest = written;
    if (forget) atomic_compare_exchange_strong(&writes[at], &written, 0);
  }
  return lowest;
}

/* ---- whose code it was ---------------------------------------------------------------------------------------------- */

enum owner { UNKNOWN, JAVASCRIPT, LIBC, OTHER };

/* A range of code, and the file that it is from. */
struct code {
  uint64_t start, end, offset;
  enum owner owner;
  char path[224];
};

#define CODES 512
static struct code codes[CODES];
static int code_count;
static atomic_flag codes_busy = ATOMIC_FLAG_INIT;

static const char *hex_in(const char *text, uint64_t *value) {
  *value = 0;
  for (;; text++) {
    const char c = *text;
    if (c >= '0' && c <= '9') *value = *value * 16 + (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f') *value = *value * 16 + (uint64_t)(c - 'a') + 10;
    else return text;
  }
}

/* What programs call on their own account: it does what its caller wants. */
static int is_libc(const char *path) {
  static const char *const names[] = {"libc.so", "libc-2", "libm.so", "libm-2", "libstdc++.so", "libgcc_s.so",
                                      "libpthread", "ld-linux", "ld-musl", "libdl", "librt"};
  const char *const slash = strrchr(path, '/'), *const name = slash == NULL ? path : slash + 1;
  for (size_t at = 0; at < sizeof names / sizeof *names; at++) {
    if (strncmp(name, names[at], strlen(names[at])) == 0) return 1;
  }
  return 0;
}

/* A line of /proc/self/maps: "start-end perms offset device inode   path". */
static void add_code(const char *line, const char *executable) {
  static struct code code; /* an alternate stack has 8 KiB, half of it the signal's */
  uint64_t inode;
  memset(&code, 0, sizeof code);
  code.owner = OTHER;
  const char *at = hex_in(line, &code.start);
  if (*at != '-') return;
  at = hex_in(at + 1, &code.end);
  if (at[0] != ' ' || at[3] != 'x' || code_count == CODES) return;
  at = hex_in(at + 6, &code.offset);
  for (at++; *at != ' ' && *at != 0; at++) continue; /* the device */
  at = hex_in(at + (*at == ' '), &inode);
  while (*at == ' ') at++;
  strncpy(code.path, at, sizeof code.path - 1);
  if (*at != '/' || strcmp(at, executable) == 0) code.owner = JAVASCRIPT;
  else if (is_libc(at)) code.owner = LIBC;
  codes[code_count++] = code;
}

static void read_codes(void) {
  static char text[4096], executable[4096];
  const ssize_t length = readlink("/proc/self/exe", executable, sizeof executable - 1);
  executable[length < 0 ? 0 : length] = 0;
  const int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  code_count = 0;
  size_t filled = 0;
  for (ssize_t got; (got = read(file, text + filled, sizeof text - 1 - filled)) > 0;) {
    filled += (size_t)got;
    text[filled] = 0;
    char *line = text;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
      *end = 0;
      add_code(line, executable);
    }
    filled -= (size_t)(line - text);
    memmove(text, line, filled);
    if (filled == sizeof text - 1) filled = 0; /* a path that is longer than any */
  }
  close(file);
}

static const struct code *code_at(uint64_t pc) {
  for (int at = 0; at < code_count; at++) {
    if (pc >= codes[at].start && pc < codes[at].end) return &codes[at];
  }
  return NULL;
}

/* Where the instruction is. */
static uint64_t pc_of(const void *context) {
  const mcontext_t *const machine = &((const ucontext_t *)context)->uc_mcontext;
#if defined(__x86_64__)
  return (uint64_t)machine->gregs[REG_RIP];
#else
  return machine->pc;
#endif
}

static int is_write(const void *context) {
  const mcontext_t *const machine = &((const ucontext_t *)context)->uc_mcontext;
#if defined(__x86_64__)
  return (machine->gregs[REG_ERR] & 2) != 0;
#else
  const struct _aarch64_ctx *head = (const struct _aarch64_ctx *)machine->__reserved;
  for (; head->magic != 0; head = (const struct _aarch64_ctx *)((const char *)head + head->size)) {
    if (head->magic == ESR_MAGIC) return (((const struct esr_context *)head)->esr & 64) != 0;
  }
  return 1;
#endif
}

/* The calls that are under way, the instruction at fault first; written by whoever has `codes_busy`. */
#define FRAMES 48
static void *frames[FRAMES];
static int frame_count;

static void read_frames(uint64_t pc) {
  const int count = backtrace(frames, FRAMES);
  int first = 0;
  while (first < count && (uint64_t)(uintptr_t)frames[first] != pc) first++; /* this handler's own */
  frame_count = count - first;
  memmove(frames, frames + first, (size_t)frame_count * sizeof *frames);
  if (frame_count > 0) return;
  frames[0] = (void *)(uintptr_t)pc;
  frame_count = 1;
}

/* The code that made an access. With libc in between it is the caller's. */
static const struct code *find_code(uint64_t pc) {
  const struct code *code = code_at(pc);
  if (code == NULL || code->owner != LIBC) return code;
  for (int at = 1; at < frame_count && (code == NULL || code->owner == LIBC); at++) {
    code = code_at((uint64_t)(uintptr_t)frames[at]);
  }
  return code;
}

/* ---- the report ----------------------------------------------------------------------------------------------------- */

static void put(const char *text, size_t length) {
  for (ssize_t done; length > 0; text += done, length -= (size_t)done) {
    done = write(STDERR_FILENO, text, length);
    if (done <= 0) return;
  }
}

static void say(const char *text) { put(text, strlen(text)); }

static void say_number(uint64_t value, unsigned radix) {
  char text[24];
  size_t at = sizeof text;
  do text[--at] = "0123456789abcdef"[value % radix]; while ((value /= radix) != 0);
  if (radix == 16) say("0x");
  put(text + at, sizeof text - at);
}

static void say_stack(const struct area *area, const char *title, int32_t number) {
  if (number <= 0 || number > STACK_WORDS - STACK_TEXT) return;
  const int32_t *const entry = (const int32_t *)(uintptr_t)area->stacks + number;
  if (entry[STACK_BYTES] < 0 || entry[STACK_BYTES] > (STACK_WORDS - STACK_TEXT - number) * 4) return;
  say(title);
  put((const char *)&entry[STACK_TEXT], (size_t)entry[STACK_BYTES]);
  say("\n");
}

/* C's calls, up to JavaScript's: each where it goes on. */
static void say_frames(void) {
  for (int at = 0; at < frame_count; at++) {
    const uint64_t pc = (uint64_t)(uintptr_t)frames[at];
    const struct code *const code = code_at(pc);
    if (code == NULL || code->owner == JAVASCRIPT) return;
    say("    ");
    say(code->path);
    say("+");
    say_number(pc - code->start + code->offset, 16);
    say("\n");
  }
}

static void report(const struct area *area, const struct record *record, uint64_t address, int written) {
  const uint64_t ptr = (uint64_t)record->ptr, size = (uint64_t)record->size, offset = address - area->base;
  say("hakmem: C ");
  say(written ? "wrote" : "read");
  if (record->list == QUARANTINED) say(" after free, in");
  else if (offset >= ptr) say(" past the end of");
  else say(" before the start of");
  say(" the block ");
  say_number(ptr, 16);
  say(" of ");
  say_number(size, 10);
  say(" bytes: at offset ");
  if (offset < ptr) say("-");
  say_number(offset < ptr ? ptr - offset : offset - ptr, 10);
  if (record->list == LIVE && offset >= ptr + size) {
    say(offset == ptr + size ? ", right behind its end" : ", ");
    if (offset != ptr + size) say_number(offset - ptr - size, 10);
    if (offset != ptr + size) say(" bytes behind its end");
  }
  say(", address ");
  say_number(address, 16);
  say(".\n  in thread ");
  say_number((uint64_t)syscall(SYS_gettid), 10);
  say(", by:\n");
  say_frames();
  say_stack(area, "  allocated:\n", record->allocated);
  if (record->list == QUARANTINED) say_stack(area, "  freed:\n", record->freed);
  say("  The process dies of it, as it would have without the heap.\n");
}

/* ---- the handler ---------------------------------------------------------------------------------------------------- */

static struct sigaction previous[2];

static struct sigaction *previous_of(int signal) { return &previous[signal == SIGBUS]; }

/* To whoever had the signal before. */
static void pass_on(int signal, siginfo_t *info, void *context) {
  const struct sigaction *const before = previous_of(signal);
  if ((before->sa_flags & SA_SIGINFO) != 0) before->sa_sigaction(signal, info, context);
  else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) before->sa_handler(signal);
  else {
    sigaction(signal, before, NULL);
    if (info->si_code <= 0) raise(signal); /* somebody sent it: it does not come again by itself */
  }
}

static void on_fault(int signal, siginfo_t *info, void *context) {
  const int error = errno;
  const uint64_t address = (uint64_t)(uintptr_t)info->si_addr;
  const struct area *const area = info->si_code > 0 ? area_at(address) : NULL;
  if (area == NULL || info->si_code == SEGV_MAPERR) {
    pass_on(signal, info, context);
    errno = error;
    return;
  }
  const struct record *const record = record_at(area, address - area->base);
  const int written = is_write(context);
  while (atomic_flag_test_and_set(&codes_busy)) syscall(SYS_sched_yield);
  const uint64_t pc = pc_of(context);
  const struct code *code = code_at(pc);
  if (code == NULL || code->owner != JAVASCRIPT) { /* V8's code and the executable stay where they are */
    read_codes();
    read_frames(pc);
    code = find_code(pc);
  }
  /* Without a record another thread has just made it accessible, or the books were overwritten. */
  const int isC = record != NULL && code != NULL && code->owner == OTHER;
  if (isC) report(area, record, address, written);
  atomic_flag_clear(&codes_busy);
  if (isC) sigaction(signal, previous_of(signal), NULL);
  else {
    void *const page = (void *)(uintptr_t)(address & ~(PAGE - 1));
    if (record != NULL && written) note_write(address);
    if (mprotect(page, PAGE, written ? PROT_READ | PROT_WRITE : PROT_READ) != 0) pass_on(signal, info, context);
  }
  errno = error;
}

static pthread_mutex_t handler_lock = PTHREAD_MUTEX_INITIALIZER;
static int is_installed;

/* Once in a process: a handler that was installed later has this one to pass on to. */
static int install(void) {
  int error = 0;
  pthread_mutex_lock(&handler_lock);
  if (!is_installed) {
    backtrace(frames, FRAMES); /* the first loads a library */
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    /* What was there before is asked for first: a fault may come as soon as the handler is there. */
    if (sigaction(SIGSEGV, NULL, &previous[0]) != 0 || sigaction(SIGBUS, NULL, &previous[1]) != 0 ||
        sigaction(SIGSEGV, &action, NULL) != 0 || sigaction(SIGBUS, &action, NULL) != 0) error = errno;
    is_installed = error == 0;
  }
  pthread_mutex_unlock(&handler_lock);
  return error;
}

/*
 * Watches over a heap: its blocks are from `base` on, its books at `books`, with records and the table of stacks at
 * addresses of their own. Until its memory goes.
 */
int32_t hakmem_guard_watch(uint64_t base, uint64_t bytes, uint64_t books, uint64_t records, uint64_t stacks) {
  if (sysconf(_SC_PAGESIZE) != (long)PAGE) return -ENOTSUP;
  const int error = install();
  if (error != 0) return -error;
  int32_t result = -ENOSPC;
  pthread_mutex_lock(&areas_lock);
  for (int at = 0; at < AREAS && result != 0; at++) {
    struct area *const area = &areas[at];
    if (atomic_load(&area->base) != 0) continue;
    area->bytes = bytes;
    area->books = books;
    area->records = records;
    area->stacks = stacks;
    atomic_store(&area->base, base);
    result = 0;
  }
  pthread_mutex_unlock(&areas_lock);
  return result;
}

/* Takes all access to whole pages away, or gives it back. */
int32_t hakmem_guard_hide(uint64_t address, uint64_t bytes, int32_t hide) {
  const int access = hide ? PROT_NONE : PROT_READ | PROT_WRITE;
  return mprotect((void *)(uintptr_t)address, bytes, access) == 0 ? 0 : -errno;
}

/*
 * The same for what is around a block's own pages, or a whole span. What is hidden so stays a mapping of its own while
 * those pages are hidden and shown again: it is left out of core dumps, and what differs in that is not merged. Each time
 * to merge three mappings, and to split them again, takes longer than all else that the system does here.
 */
int32_t hakmem_guard_fence(uint64_t address, uint64_t bytes, int32_t hide) {
  const int32_t result = hakmem_guard_hide(address, bytes, hide);
  if (result == 0) madvise((void *)(uintptr_t)address, bytes, hide ? MADV_DONTDUMP : MADV_DODUMP);
  return result;
}

/* Memory that is about to go, or to be emptied and stay mapped: then all of it can be touched again. */
void hakmem_guard_gone(uint64_t address, uint64_t bytes) {
  pthread_mutex_lock(&areas_lock);
  for (int at = 0; at < AREAS; at++) {
    const uint64_t base = atomic_load(&areas[at].base);
    if (base < address || base - address >= bytes) continue;
    if (areas[at].bytes <= address + bytes - base) {
      hakmem_guard_fence(base, areas[at].bytes, 0);
      hakmem_guard_written(base, areas[at].bytes, 1);
    }
    atomic_store(&areas[at].base, 0);
  }
  pthread_mutex_unlock(&areas_lock);
}

#else

uint64_t hakmem_guard_written(uint64_t address, uint64_t bytes, int32_t forget) {
  return (void)address, (void)bytes, (void)forget, 0;
}

int32_t hakmem_guard_watch(uint64_t base, uint64_t bytes, uint64_t books, uint64_t records, uint64_t stacks) {
  return (void)base, (void)bytes, (void)books, (void)records, (void)stacks, -ENOTSUP;
}

void hakmem_guard_gone(uint64_t address, uint64_t bytes) { (void)address, (void)bytes; }

int32_t hakmem_guard_hide(uint64_t address, uint64_t bytes, int32_t hide) {
  return (void)address, (void)bytes, (void)hide, -ENOTSUP;
}

int32_t hakmem_guard_fence(uint64_t address, uint64_t bytes, int32_t hide) {
  return (void)address, (void)bytes, (void)hide, -ENOTSUP;
}

#endif
