/*
 * A signal comes again and again, and where it has interrupted the recorder, and nothing else, its handler does what the
 * first argument says, so many times. In the end there are blocks of 11 bytes.
 *
 *     jumps       it jumps out
 *     allocates   it makes a block of 14 bytes, and frees it
 *     forks       it forks: the child makes 100 blocks of 12 bytes. Each second one ends there; the others come back to what
 *                 was interrupted, make 100 of 13 bytes, and end
 *
 * The handler has a stack of its own if there is a second argument.
 */
#define _GNU_SOURCE
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { TIMES = 60, BLOCKS = 10000, OF_CHILD = 100, STACK_BYTES = 1 << 18 };

static uintptr_t low, high; /* the recorder's code */
static sigjmp_buf loop;
static const char *what;
static volatile sig_atomic_t times, is_child;
static volatile int may_jump;

static void make(long blocks, size_t bytes) {
  for (; blocks > 0; blocks--) {
    void *volatile block = malloc(bytes);
    free(block);
  }
}

static int find_recorder(struct dl_phdr_info *info, size_t bytes, void *ignored) {
  (void)bytes, (void)ignored;
  for (int at = 0; at < info->dlpi_phnum; at++) {
    const ElfW(Phdr) *const segment = &info->dlpi_phdr[at];
    const uintptr_t start = info->dlpi_addr + segment->p_vaddr;
    if (segment->p_type != PT_LOAD || (segment->p_flags & PF_X) == 0) continue;
    if (strstr(info->dlpi_name, "recorder") == NULL) continue;
    low = start;
    high = start + segment->p_memsz;
  }
  return 0;
}

static uintptr_t interrupted(void *context) {
#ifdef __x86_64__
  return (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#else
  return (uintptr_t)((ucontext_t *)context)->uc_mcontext.pc;
#endif
}

static void fork_here(void) {
  if (fork() != 0) return;
  is_child = 1;
  make(OF_CHILD, 12);
  if (times % 2 == 0) _exit(0);
}

static void handle(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  const uintptr_t at = interrupted(context);
  if (is_child || !may_jump || times == TIMES || at < low || at >= high) return;
  times++;
  if (what[0] == 'a') make(1, 14);
  if (what[0] == 'f') fork_here();
  if (what[0] == 'j') siglongjmp(loop, 1);
}

static void interrupt_every(int microseconds) {
  const struct itimerval every = {{0, microseconds}, {0, microseconds}};
  setitimer(ITIMER_REAL, &every, NULL);
}

int main(int count, char **arguments) {
  static char stack[STACK_BYTES];
  const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
  const struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | (count > 2 ? SA_ONSTACK : 0)};
  what = count > 1 ? arguments[1] : "";
  make(1, 24);
  dl_iterate_phdr(find_recorder, NULL);
  if (high == 0 || (count > 2 && sigaltstack(&other, NULL) != 0)) return 1;
  sigaction(SIGALRM, &action, NULL);
  interrupt_every(50);
  sigsetjmp(loop, 1);
  may_jump = 1;
  while (times < TIMES && !is_child) make(1, 24);
  may_jump = 0;
  if (is_child) {
    make(OF_CHILD, 13);
    _exit(0);
  }
  interrupt_every(0);
  while (wait(NULL) > 0);
  make(BLOCKS, 11);
  return 0;
}
