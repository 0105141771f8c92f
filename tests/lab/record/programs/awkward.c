/*
 * What a recorder has to live with, by the first argument; each makes some blocks of 11 bytes at the end.
 *
 *   succession  many threads one after the other, each of which makes a block and frees it
 *   late        the same, and libc frees something for each when it has already ended
 *   limit       files may no longer be as long as that of the recording already is
 *   files       there is no number left for another file
 *   closed      all files are closed that the program does not know
 *   swapped     a number is closed and used again all the time, while another thread is recorded
 *   nameless    a program of no name is started: the system refuses that
 *   vfork       a child that shares the memory may open no file, and makes blocks
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 1000, BLOCKS = 10000, SWAPS = 100000, LAST = 11 };

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

static void threads(void *is_late) {
  for (int left = THREADS; left > 0; left--) {
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

int main(int count, char **arguments) {
  const char *what = count > 1 ? arguments[1] : "";
  make(1, 24);
  if (strcmp(what, "succession") == 0) threads(NULL);
  if (strcmp(what, "late") == 0) threads((void *)what);
  if (strcmp(what, "limit") == 0) limit(RLIMIT_FSIZE, 0);
  if (strcmp(what, "files") == 0) limit(RLIMIT_NOFILE, 3);
  if (strcmp(what, "closed") == 0) {
    for (int file = 3; file < 1024; file++) close(file);
  }
  if (strcmp(what, "swapped") == 0 && !swap(arguments[2])) return 1;
  if (strcmp(what, "nameless") == 0 && !start_nothing(arguments)) return 1;
  if (strcmp(what, "vfork") == 0 && vfork() == 0) {
    limit(RLIMIT_NOFILE, 0);
    make(BLOCKS, 24);
    _exit(0);
  }
  wait(NULL);
  make(BLOCKS, LAST);
  return 0;
}
