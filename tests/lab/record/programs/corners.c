/*
 * Where whoever looks for the callers of malloc may die, or wait for ever. By the first argument:
 *
 *   asks        a thread whose first allocation is one that libc makes while it holds the thread's lock: 111 bytes behind it
 *   tiny        a thread with the smallest stack that there can be: 222 bytes
 *   handler N   a signal handler with a stack of N bytes: 333 bytes
 *   array       the same on an array that lies on the stack of the thread
 *   coroutine   code on a stack of its own, whose first function returns to where nothing can be read: 444 bytes
 *   jit         the same block by code without tables, and without a frame pointer
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KEPT __attribute__((noinline, noclone, used))

static void *volatile sink;

KEPT void make(size_t size) {
  void *block = malloc(size);
  sink = block;
  free(block);
}

KEPT void *asks(void *argument) {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) abort();
  pthread_attr_destroy(&attributes);
  make(111);
  return argument;
}

KEPT void *tiny(void *argument) {
  make(222);
  return argument;
}

static void in_thread(void *(*start)(void *), size_t stack_bytes) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  if (stack_bytes != 0 && pthread_attr_setstacksize(&attributes, stack_bytes) != 0) abort();
  if (pthread_create(&thread, &attributes, start, NULL) != 0) abort();
  pthread_join(thread, NULL);
}

KEPT void handler(int signal) {
  (void)signal;
  make(333);
}

KEPT void handle(void *stack, size_t bytes) {
  const stack_t other = {.ss_sp = stack, .ss_size = bytes};
  const struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  if (sigaltstack(&other, NULL) != 0) exit(2);
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
}

static char *mapped(size_t bytes, int protection) {
  void *memory = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

/* Behind a page that nobody may touch. */
static void on_own_stack(size_t bytes) {
  char *memory = mapped(4096 + bytes, PROT_READ | PROT_WRITE);
  mprotect(memory, 4096, PROT_NONE);
  handle(memory + 4096, bytes);
}

static void on_array(void) {
  char array[65536];
  handle(array, sizeof array);
}

KEPT void body(void) { make(444); }

#ifdef __x86_64__
KEPT void *stack_of_main;

/* Keeps what a function must keep, and goes to the address that the other stack begins with. */
__attribute__((naked, noinline)) static void go_to(void *stack, void **kept) {
  (void)stack, (void)kept;
  __asm__("push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n mov %rsp, (%rsi)\n mov %rdi, %rsp\n ret");
}

__attribute__((naked, noinline, used)) static void begin_coroutine(void) {
  __asm__("call body\n mov stack_of_main(%rip), %rsp\n"
          "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n ret");
}

static void coroutine(void) {
  const size_t bytes = 1 << 20;
  uintptr_t *const top = (uintptr_t *)(mapped(bytes, PROT_READ | PROT_WRITE) + bytes) - 9;
  for (int word = 1; word < 9; word++) top[word] = 0xdeadbeef000; /* nothing of the process is there */
  top[0] = (uintptr_t)begin_coroutine;
  go_to(top, &stack_of_main);
}

static void jit(void) {
  static const unsigned char code[] = {0x48, 0x83, 0xec, 0x08, 0xff, 0xd7, 0x48, 0x83, 0xc4, 0x08, 0xc3};
  char *const memory = mapped(4096, PROT_READ | PROT_WRITE | PROT_EXEC); /* sub $8, %rsp; call *%rdi; add $8, %rsp; ret */
  memcpy(memory, code, sizeof code);
  ((void (*)(void (*)(void)))(uintptr_t)memory)(body);
}
#else
static void coroutine(void) { body(); }
static void jit(void) { body(); }
#endif

int main(int count, char **arguments) {
  const char *what = count > 1 ? arguments[1] : "";
  alarm(60); /* rather than that a test waits for ever */
  if (strcmp(what, "asks") == 0) in_thread(asks, 0);
  if (strcmp(what, "tiny") == 0) in_thread(tiny, (size_t)sysconf(_SC_THREAD_STACK_MIN));
  if (strcmp(what, "handler") == 0) on_own_stack(strtoul(arguments[2], NULL, 10));
  if (strcmp(what, "array") == 0) on_array();
  if (strcmp(what, "coroutine") == 0) coroutine();
  if (strcmp(what, "jit") == 0) jit();
  return 0;
}
