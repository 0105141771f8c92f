/*
 * What a recorder has to live with, by the first argument; each makes some blocks of 11 bytes at the end.
 *
 *   succession  many threads one after the other, each of which makes a block and frees it
 *   late        the same, and libc frees something for each when it has already ended
 *   limit       files may no longer be as long as that of the recording already is
 *   files       there is no number left for another file
 *   closed      all files are closed that the program does not know
 *   swapped     a number is closed and used again all the time, while another thread is recorded
 *   nameless    a program of no name is started, or with pointers that lead nowhere: the system refuses that
 *   vfork       a child that shares the memory may open no file, and makes blocks
 *   many        more threads than a trace may have, each of which makes a block and frees it
 *   cancelled   threads end at any moment, also in the recorder
 *   replaced    all files are closed, and another lies where the recording was
 *   shrunk      another makes the recorder's files shorter: as long as the number says
 *   handler     a child that was forked in a handler with a small stack makes blocks
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 1000, CANCELLED = 60, MANY = 66000, SMALL_STACK = 4096, BLOCKS = 10000, SWAPS = 100000, LAST = 11 };

static _Atomic int done;

static void make(long blocks, size_t bytes) {
  for (; blocks > 0; blocks--) {
    void *volatile block = malloc(bytes);
    free(block);
  }
}

static void *make_one(void *is_late) {
  make(1, 24);
  if (is_late != NULL) strerror(123456); /* a text that is made for the thread, and freed with it */
  return NULL;
}

static void *make_until_done(void *ignored) {
  while (!done) make(1, 100000);
  return ignored;
}

static void threads(int count, void *is_late) {
  for (int left = count; left > 0; left--) {
    pthread_t thread;
    pthread_create(&thread, NULL, make_one, is_late);
    pthread_join(thread, NULL);
  }
}

static void limit(int what, rlim_t value) {
  const struct rlimit both = {value, value};
  setrlimit(what, &both);
}

/* Whether the file that is swapped in stays as it is. */
static int swap(const char *path) {
  const int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), kept = fcntl(file, F_DUPFD, 50);
  close(file);
  const int swapped = dup(kept);
  pthread_t thread;
  pthread_create(&thread, NULL, make_until_done, NULL);
  int lost = 0;
  for (int left = SWAPS; left > 0; left--) {
    close(swapped);
    dup2(kept, swapped);
    if (fcntl(swapped, F_GETFD) < 0) lost++;
  }
  done = 1;
  pthread_join(thread, NULL);
  struct stat now;
  return fstat(kept, &now) == 0 && now.st_size == 0 && lost == 0;
}

/* Whether each call says so, and returns. */
static int start_nothing(char **arguments) {
  const char *volatile name = NULL; /* whose nonnull attribute the compiler is not to see */
  int right = execve(name, arguments, environ) == -1 && errno == EFAULT;
  right += execv(name, arguments) == -1 && errno == EFAULT;
  right += execl(name, "nothing", (char *)NULL) == -1 && errno == EFAULT;
  right += execveat(AT_FDCWD, name, arguments, environ, 0) == -1 && errno == EFAULT;
  return right == 4;
}

/* The same of pointers that lead nowhere, and of a text whose end cannot be read. */
static int start_wild(char **arguments) {
  static const char self[] = "/proc/self/exe", preload[] = "LD_PRELOAD=";
  char *const pages = mmap(NULL, 2 * 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *const endless = memcpy(pages + 65536 - (sizeof preload - 1), preload, sizeof preload - 1);
  mprotect(pages + 65536, 65536, PROT_NONE);
  char *const nowhere = pages + 65536, *const odd = (char *)8;
  char *const *const lists[] = {(char *[]){nowhere, NULL}, (char *[]){odd, NULL}, (char *[]){endless, NULL},
                                (char *const *)(void *)nowhere, (char *const *)(void *)odd};
  int right = execve(nowhere, arguments, environ) == -1 && errno == EFAULT;
  right += execve(odd, arguments, environ) == -1 && errno == EFAULT;
  right += execv(endless, arguments) == -1 && errno == EFAULT;
  for (int at = 0; at < 5; at++) right += execve(self, arguments, lists[at]) == -1 && errno == EFAULT;
  return right == 8;
}

static _Atomic int going;

static void *make_until_cancelled(void *ignored) {
  make(100, 24); /* libc itself cannot be left in its first calls */
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  for (going = 1;;) make(1, 24);
  return ignored;
}

static void cancel(void) {
  for (int left = CANCELLED; left > 0; left--) {
    pthread_t thread;
    going = 0;
    pthread_create(&thread, NULL, make_until_cancelled, NULL);
    while (!going) sched_yield();
    usleep((useconds_t)(left * 7 % 500));
    pthread_cancel(thread);
    pthread_join(thread, NULL);
  }
}

static void close_all(void) {
  for (int file = 3; file < 1024; file++) close(file);
}

/* Whether what lies there now stays as it is. */
static int replace(const char *aside) {
  char path[4200];
  struct stat now;
  snprintf(path, sizeof path, "%s/%d.0", getenv("HAKMEM_RECORDING"), (int)getpid());
  if (rename(path, aside) != 0) return 0;
  close(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
  close_all();
  make(BLOCKS, 24);
  const int is_empty = stat(path, &now) == 0 && now.st_size == 0;
  return rename(aside, path) == 0 && is_empty;
}

/* Cuts all files of the recording off there. */
static void shrink(const char *bytes) {
  char path[4200];
  snprintf(path, sizeof path, "%s/%d.0", getenv("HAKMEM_RECORDING"), (int)getpid());
  make(BLOCKS, 24);
  if (truncate(path, strtol(bytes, NULL, 10)) != 0) exit(1);
  threads(10, NULL);
  make(BLOCKS, 24);
}

static void fork_here(int signal) {
  (void)signal;
  const pid_t child = fork();
  if (child == 0) make(1, 24);
  if (child == 0) _exit(0);
}

/* Whether the child came to its end. Behind its stack is a page that nobody may touch. */
static int fork_in_handler(void) {
  const size_t least = getauxval(AT_MINSIGSTKSZ), bytes = (least + SMALL_STACK + 4095) & ~(size_t)4095;
  char *const memory = mmap(NULL, 4096 + bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(memory, 4096, PROT_NONE);
  const stack_t stack = {.ss_sp = memory + 4096, .ss_size = least + SMALL_STACK};
  const struct sigaction action = {.sa_handler = fork_here, .sa_flags = SA_ONSTACK};
  sigaltstack(&stack, NULL);
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  int status = 1;
  return wait(&status) > 0 && status == 0;
}

int main(int count, char **arguments) {
  const char *what = count > 1 ? arguments[1] : "";
  alarm(600); /* rather than that a test waits for ever; a busy machine takes long for so many threads */
  make(1, 24);
  if (strcmp(what, "succession") == 0) threads(THREADS, NULL);
  if (strcmp(what, "late") == 0) threads(THREADS, (void *)what);
  if (strcmp(what, "many") == 0) threads(MANY, NULL);
  if (strcmp(what, "limit") == 0) limit(RLIMIT_FSIZE, 0);
  if (strcmp(what, "files") == 0) limit(RLIMIT_NOFILE, 3);
  if (strcmp(what, "closed") == 0) close_all();
  if (strcmp(what, "cancelled") == 0) cancel();
  if (strcmp(what, "replaced") == 0 && !replace(arguments[2])) return 1;
  if (strcmp(what, "handler") == 0 && !fork_in_handler()) return 1;
  if (strcmp(what, "shrunk") == 0) shrink(arguments[3]);
  if (strcmp(what, "swapped") == 0 && !swap(arguments[2])) return 1;
  if (strcmp(what, "nameless") == 0 && !(start_nothing(arguments) && start_wild(arguments))) return 1;
  if (strcmp(what, "vfork") == 0 && vfork() == 0) {
    limit(RLIMIT_NOFILE, 0);
    make(BLOCKS, 24);
    _exit(0);
  }
  wait(NULL);
  make(BLOCKS, LAST);
  return 0;
}
