/*
 * Who called: the return addresses on a thread's stack, the modules that they lie in, and a table by which a stack that
 * was seen before is known again. Included by recorder.c alone, if it is built with -DSTACKS.
 *
 * There are two ways to find the callers. Frame pointers cost a nanosecond a frame, and are right only where every function
 * on the way keeps one. libgcc's unwinder reads the tables of exceptions, which all functions of C and C++ have, and costs
 * some hundred nanoseconds a frame. So frame pointers are followed first, and what comes out is a key. The first time that a
 * key is seen the unwinder is asked, too, and the key is trusted from then on only if both agree. That holds for good: a
 * function that keeps no frame pointer hides its caller, or leads astray, every time that it calls from that place.
 *
 *     frame pointers -> key -> seen, and both agreed           -> the stack's number
 *                              seen, and they did not, or none -> the unwinder -> another key -> the stack's number
 *                              new                             -> the unwinder, and a look at both
 *
 * Both agree, too, if frame pointers end in the function of libc that every thread begins with, which keeps none on most
 * systems, and has always the same callers. Where the unwinder ends before that (code without tables, of a JIT) and frame
 * pointers lead on, those are followed.
 *
 * A stack is known by 64 bits of hash alone: of a million stacks, two are taken for one by a chance of 3 in 10^8.
 *
 * Where the unwinder finds no tables it looks whether the code is that of a signal's return, and reads it for that. A
 * coroutine's first function may return to anywhere, also to where nothing can be read: so the unwinder, which asks
 * `_dl_find_object` for the tables, is told that such code has no callers.
 *
 * Callers are gathered in the table, not on the stack of the thread, which may be small: that of a signal handler has 8 KiB
 * by tradition, of which the system's own frame takes half. Where too little of it is left the unwinder is not asked.
 *
 * Nothing here allocates, and only `find_bounds` and `empty_table` make system calls. With glibc 2.35 and later no lock is
 * taken either, but for `forget_gone`, behind dlclose; before, and with other libraries, the unwinder and `find_module` take
 * the loader's.
 *
 * When a module has gone, all stacks get new numbers, since what lies at its addresses later is another. A program that
 * loads and closes modules without end would fill the table with the old ones: so it is emptied on the way.
 */
#ifndef HAKMEM_STACKS_H
#define HAKMEM_STACKS_H

#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <unwind.h>

enum {
  MOST_FRAMES = 128,
  MOST_MODULES = 512,
  ENTRIES = 1 << 20,
  MOST_ENTRIES = ENTRIES / 4 * 3,
  MOST_BUILD_ID = 32,
  ROOT_FRAMES = 2,       /* behind the first function of a thread: __libc_start_main and _start, or clone */
  ENTRY_BYTES = 64,      /* of _start */
  GATHERINGS = 1024,     /* threads that may look for their callers at once */
  UNWINDER_BYTES = 3072, /* of stack: what libgcc's unwinder takes, and what it calls */
  MOST_TRIES = 1000,
  MAIN_STACK = 64 << 20, /* the system keeps other mappings twice as far from the end of the main thread's stack */
};

#define MOST_SAMPLE ((uint64_t)1 << 50) /* bytes: some 37 times as many are the furthest to the next */
#define UNTRUSTED UINT32_MAX /* instead of a number: frame pointers do not lead to this stack */

struct stack {
  unsigned count;
  bool is_cut; /* there are more callers than the limit allows */
  uintptr_t frames[MOST_FRAMES];
};

/* What is found one way and the other, while one thread looks. */
struct gathering {
  _Atomic uint32_t is_taken;
  struct stack walked, unwound;
};

/* Where a thread's frames may lie; `high` is 0 if that is not known. */
struct bounds {
  uintptr_t low, high;
};

struct module {
  uintptr_t start, end, bias; /* the address in the file is the one in memory less the bias */
  const char *path;           /* empty for the program itself */
  unsigned build_id_bytes;
  unsigned char build_id[MOST_BUILD_ID];
};

/* What is known of a process's stacks. The kernel empties it in a child of fork. */
struct stack_table {
  _Atomic uint64_t generation; /* changes when a module goes, so that its addresses are looked up again */
  _Atomic uint64_t gone;       /* modules so far */
  _Atomic uint32_t is_emptied;
  _Atomic uint32_t used, stacks, modules;
  struct {
    _Atomic uintptr_t start, end;
  } ranges[MOST_MODULES];
  struct {
    _Atomic uint64_t key;
    _Atomic uint32_t stack; /* 0 while it is not yet defined */
  } entries[ENTRIES];
  struct gathering gatherings[GATHERINGS];
};

/* As glibc has it, for headers that are older. */
struct found_object {
  unsigned long long flags;
  void *start, *end;
  struct link_map *map;
  void *others[12];
};

static int (*find_object)(void *, struct found_object *);
static struct module c_library;
static uintptr_t entry; /* of the program */

extern const char __ehdr_start __attribute__((visibility("hidden")));
extern const char _end __attribute__((visibility("hidden")));

static bool is_own_code(uintptr_t address) {
  return address - (uintptr_t)&__ehdr_start < (uintptr_t)(&_end - &__ehdr_start);
}

/* ---- modules ---------------------------------------------------------------------------------------------------- */

/* Reads what is mapped of an ELF file: where it ends, its bias, its build id. */
static bool read_headers(struct module *module) {
  const ElfW(Ehdr) *const header = (const ElfW(Ehdr) *)module->start;
  if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return false;
  const ElfW(Phdr) *const segments = (const ElfW(Phdr) *)(module->start + header->e_phoff);
  bool has_first = false;
  for (unsigned at = 0; at < header->e_phnum; at++) {
    if (segments[at].p_type != PT_LOAD) continue;
    if (!has_first) module->bias = module->start - (segments[at].p_vaddr & ~(uintptr_t)4095);
    has_first = true;
    module->end = module->bias + segments[at].p_vaddr + segments[at].p_memsz;
  }
  for (unsigned at = 0; has_first && at < header->e_phnum; at++) {
    if (segments[at].p_type != PT_NOTE) continue;
    const uintptr_t notes = module->bias + segments[at].p_vaddr;
    if (notes < module->start || notes > module->end || segments[at].p_memsz > module->end - notes) continue; /* not mapped */
    const char *note = (const char *)notes, *const end = note + segments[at].p_memsz;
    while ((size_t)(end - note) > sizeof(ElfW(Nhdr))) {
      const ElfW(Nhdr) *const head = (const ElfW(Nhdr) *)note;
      const char *const name = note + sizeof *head;
      const size_t name_bytes = ((size_t)head->n_namesz + 3) & ~(size_t)3;
      const size_t text_bytes = ((size_t)head->n_descsz + 3) & ~(size_t)3, left = (size_t)(end - name);
      if (name_bytes > left || text_bytes > left - name_bytes) break;
      const char *const text = name + name_bytes;
      if (head->n_type == NT_GNU_BUILD_ID && head->n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
        module->build_id_bytes = head->n_descsz < MOST_BUILD_ID ? head->n_descsz : MOST_BUILD_ID;
        memcpy(module->build_id, text, module->build_id_bytes);
      }
      note = text + text_bytes;
    }
  }
  return has_first;
}

/* The module that an address lies in. */
static bool find_module(uintptr_t address, struct module *module) {
  struct found_object found;
  Dl_info info;
  memset(module, 0, sizeof *module);
  if (find_object != NULL) {
    if (find_object((void *)address, &found) != 0) return false;
    module->start = (uintptr_t)found.start;
    module->path = found.map->l_name;
  } else {
    if (dladdr((void *)address, &info) == 0) return false;
    module->start = (uintptr_t)info.dli_fbase;
    module->path = info.dli_fname;
  }
  if (!read_headers(module)) return false;
  if (entry >= module->start && entry < module->end) module->path = "";
  return true;
}

static bool is_known(struct stack_table *table, uintptr_t address) {
  const uint32_t modules = atomic_load_explicit(&table->modules, memory_order_acquire);
  for (uint32_t at = 0; at < modules && at < MOST_MODULES; at++) {
    const uintptr_t end = atomic_load_explicit(&table->ranges[at].end, memory_order_acquire);
    if (address < end && address >= atomic_load_explicit(&table->ranges[at].start, memory_order_relaxed)) return true;
  }
  return false;
}

static void add_known(struct stack_table *table, const struct module *module) {
  const uint32_t at = atomic_fetch_add(&table->modules, 1);
  if (at >= MOST_MODULES) return; /* it is written again with each new stack */
  atomic_store_explicit(&table->ranges[at].start, module->start, memory_order_relaxed);
  atomic_store_explicit(&table->ranges[at].end, module->end, memory_order_release);
}

static int count_gone(struct dl_phdr_info *info, size_t bytes, void *count) {
  (void)bytes;
  *(uint64_t *)count = info->dlpi_subs;
  return 1; /* it is the same for all */
}

/* Whether a module has gone since this was last called: then what lies at its addresses later is another. */
static bool forget_gone(struct stack_table *table) {
  uint64_t gone = 0;
  dl_iterate_phdr(count_gone, &gone);
  if (atomic_exchange(&table->gone, gone) == gone) return false;
  for (uint32_t at = 0; at < MOST_MODULES; at++) atomic_store(&table->ranges[at].end, 0);
  atomic_store(&table->modules, 0);
  atomic_fetch_add(&table->generation, 1);
  return true;
}

/* Forgets all stacks, if all gatherings come free soon: one whose thread was ended in it never does. */
static void empty_table(struct stack_table *table) {
  uint32_t taken = 0;
  if (atomic_exchange(&table->is_emptied, 1) != 0) return;
  for (uint32_t tries = 0; taken < GATHERINGS && tries < MOST_TRIES; tries++) {
    while (taken < GATHERINGS && atomic_exchange(&table->gatherings[taken].is_taken, 1) == 0) taken++;
    if (taken < GATHERINGS) sched_yield();
  }
  if (taken == GATHERINGS) {
    for (uint32_t at = 0; at < ENTRIES; at++) {
      atomic_store_explicit(&table->entries[at].key, 0, memory_order_relaxed);
      atomic_store_explicit(&table->entries[at].stack, 0, memory_order_relaxed);
    }
    atomic_store(&table->used, 0);
  }
  while (taken > 0) atomic_store(&table->gatherings[--taken].is_taken, 0);
  atomic_store(&table->is_emptied, 0);
}

/* ---- code without tables ----------------------------------------------------------------------------------------- */

#if defined(DLFO_STRUCT_HAS_EH_DBASE) && (defined(__x86_64__) || defined(__aarch64__))
#define ENDS_WITHOUT_TABLES

#ifdef __x86_64__
enum { STACK_REGISTER = 7, RETURN_COLUMN = 16, CFA_BYTES = 8 };
#else
enum { STACK_REGISTER = 31, RETURN_COLUMN = 30, CFA_BYTES = 0 };
#endif

/* Tables as in .eh_frame, of one function that is everywhere, and has no caller. */
static const struct {
  uint32_t common_bytes, is_common;
  uint8_t common[16];
  uint32_t function_bytes, to_common;
  uint64_t start, bytes;
  uint8_t nothing[4];
  uint32_t end;
} __attribute__((packed, aligned(8))) no_callers = {
    .common_bytes = 20,
    /* version, no augmentation, alignments 1 and -8; def_cfa; undefined: there is no address to return to */
    .common = {1, 0, 1, 0x78, RETURN_COLUMN, 0x0c, STACK_REGISTER, CFA_BYTES, 0x07, RETURN_COLUMN},
    .function_bytes = 24,
    .to_common = 28,
    .start = 1, /* 0 is a function that was left out */
    .bytes = UINT64_MAX - 1,
};

/* As in .eh_frame_hdr: where the tables are, and that nothing is sorted. Filled in by start_stacks. */
static uint8_t header_of_no_callers[16] __attribute__((aligned(8))) = {1, 0 /* an address */, 0xff, 0xff};

/* Says that the tables of this address are those. */
static void has_no_callers(void *address, struct found_object *found) {
  memset(found, 0, offsetof(struct found_object, others) + sizeof found->others[0]);
  found->start = address;
  found->end = (char *)address + 1;
  found->others[0] = header_of_no_callers; /* dlfo_eh_frame */
}
#endif

/* ---- frames ------------------------------------------------------------------------------------------------------ */

static void unwind(struct stack *stack, unsigned limit);

/* Before main; `libc` is the address of a function of libc. */
static void start_stacks(uintptr_t libc, struct stack_table *table) {
#ifdef ENDS_WITHOUT_TABLES
  const void *const tables = &no_callers;
  memcpy(header_of_no_callers + 4, &tables, sizeof tables);
#endif
  unwind(&table->gatherings->unwound, 1); /* what it finds at its first use needs more of the stack */
  entry = getauxval(AT_ENTRY);
  if (!find_module(libc, &c_library)) c_library.end = c_library.start = 0;
}

/* Where the frames of this thread may lie. Not for a process that is confined: it makes system calls. */
static struct bounds find_bounds(void) {
  const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  if (&__libc_stack_end != NULL) {
    const uintptr_t end = (uintptr_t)__libc_stack_end;
    if (end - here < MAIN_STACK) return (struct bounds){end - MAIN_STACK, end};
  }
  struct bounds bounds = {0, 0};
  if (syscall(SYS_gettid) == syscall(SYS_getpid)) return bounds; /* on a stack of the program's own making */
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return bounds;
  void *low = NULL;
  size_t bytes = 0;
  if (pthread_attr_getstack(&attributes, &low, &bytes) == 0) bounds = (struct bounds){(uintptr_t)low, (uintptr_t)low + bytes};
  pthread_attr_destroy(&attributes);
  return bounds;
}

/* Follows frame pointers. Only the thread's own stack is read, of which all is there that lies above the present frame. */
static __attribute__((noinline)) void walk(struct stack *stack, struct bounds bounds, unsigned limit) {
  stack->count = 0;
  stack->is_cut = false;
  uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
  if (frame < bounds.low) return;
  while (frame % sizeof frame == 0 && frame < bounds.high && bounds.high - frame >= 2 * sizeof frame) {
    const uintptr_t next = ((const uintptr_t *)frame)[0];
    uintptr_t back = ((const uintptr_t *)frame)[1];
#ifdef __aarch64__
    back &= ((uintptr_t)1 << 48) - 1; /* it may be signed */
#endif
    if (back < 4096) return;
    if (stack->count > 0 || !is_own_code(back)) {
      if (stack->count == limit) {
        stack->is_cut = true;
        return;
      }
      stack->frames[stack->count++] = back;
    }
    if (next <= frame) return;
    frame = next;
  }
}

struct unwinding {
  struct stack *stack;
  unsigned limit;
};

static _Unwind_Reason_Code unwound(struct _Unwind_Context *context, void *argument) {
  struct unwinding *const unwinding = argument;
  struct stack *const stack = unwinding->stack;
  int is_before = 0;
  const uintptr_t address = _Unwind_GetIPInfo(context, &is_before);
  if (address == 0 || (stack->count == 0 && is_own_code(address))) return _URC_NO_REASON;
  if (stack->count == unwinding->limit) {
    stack->is_cut = true;
    return _URC_END_OF_STACK;
  }
  /* What a signal interrupted is not a call. It is treated as one: a call's address is that of what follows it. */
  stack->frames[stack->count++] = address + (is_before != 0);
  return _URC_NO_REASON;
}

static __attribute__((noinline)) void unwind(struct stack *stack, unsigned limit) {
  struct unwinding unwinding = {stack, limit};
  stack->count = 0;
  stack->is_cut = false;
  _Unwind_Backtrace(unwound, &unwinding);
}

/*
 * Whether there is enough of the stack left for the unwinder. A stack that a coroutine has of its own is not known. Not
 * for a process that is confined: it makes a system call.
 */
static bool has_stack_left(struct bounds bounds) {
  const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  if (here >= bounds.low && here < bounds.high && here - bounds.low < UNWINDER_BYTES) return false;
  stack_t other; /* may lie anywhere, in an array on the thread's own stack, too */
  if (syscall(SYS_sigaltstack, NULL, &other) != 0 || (other.ss_flags & SS_ONSTACK) == 0) return true;
  return here - (uintptr_t)other.ss_sp >= UNWINDER_BYTES;
}

static bool is_of_libc(uintptr_t address) { return address >= c_library.start && address < c_library.end; }

/* Whether a stack goes to where the system starts a program or a thread. */
static bool has_root(const struct stack *stack) {
  if (stack->count == 0) return false;
  const uintptr_t last = stack->frames[stack->count - 1];
  return is_of_libc(last) || last - entry < ENTRY_BYTES;
}

/* How many callers two stacks have in common. */
static unsigned common(const struct stack *one, const struct stack *other) {
  unsigned count = 0;
  while (count < one->count && count < other->count && one->frames[count] == other->frames[count]) count++;
  return count;
}

/* Whether frame pointers lead where the unwinder does; see above. */
static bool agree(const struct stack *walked, const struct stack *truth) {
  const unsigned both = common(walked, truth);
  if (both == 0) return false;
  if (both == truth->count) return both == walked->count || has_root(truth);
  return truth->count - both <= ROOT_FRAMES && is_of_libc(truth->frames[both - 1]) && has_root(truth) && !truth->is_cut;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static uint64_t key_of(const struct stack *stack, uint64_t seed) {
  uint64_t key = seed + stack->count + ((uint64_t)stack->is_cut << 32);
  for (unsigned at = 0; at < stack->count; at++) {
    key = (key ^ stack->frames[at]) * 0x9e3779b97f4a7c15u;
    key ^= key >> 29;
  }
  key = (key ^ key >> 32) * 0xd6e8feb86659fd93u;
  return (key ^ key >> 32) | 1; /* 0 is an entry that is free */
}

/* The entry of a key, which is made if there is none; ENTRIES if the table is full. */
static uint32_t entry_of(struct stack_table *table, uint64_t key) {
  for (uint32_t at = (uint32_t)(key >> 40) % ENTRIES;; at = (at + 1) % ENTRIES) {
    uint64_t found = atomic_load_explicit(&table->entries[at].key, memory_order_relaxed);
    if (found == key) return at;
    if (found != 0) continue;
    if (atomic_load_explicit(&table->used, memory_order_relaxed) >= MOST_ENTRIES) return ENTRIES;
    if (atomic_compare_exchange_strong(&table->entries[at].key, &found, key)) {
      atomic_fetch_add_explicit(&table->used, 1, memory_order_relaxed);
      return at;
    }
    if (found == key) return at;
  }
}

static uint32_t stack_at(struct stack_table *table, uint32_t at) {
  return at == ENTRIES ? 0 : atomic_load_explicit(&table->entries[at].stack, memory_order_acquire);
}

static void set_stack_at(struct stack_table *table, uint32_t at, uint32_t stack) {
  if (at != ENTRIES) atomic_store_explicit(&table->entries[at].stack, stack, memory_order_release);
}

#endif
