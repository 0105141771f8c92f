/*
 * A process that forks in every way there is, mostly beside a thread that allocates all the time. Each child frees 5 blocks of its
 * parent, makes 7 of 100 bytes, keeps 2 and ends without exit. The parent waits for each, and makes 3 of 300 bytes.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BEFORE = 10 };

static void *before[BEFORE];
static atomic_bool is_done;

static void *disturb(void *ignored) {
  (void)ignored;
  while (!is_done) {
    free(malloc(40));
    usleep(10);
  }
  return NULL;
}

static void child(void) {
  for (int i = 0; i < 5; i++) free(before[i]);
  for (int i = 0; i < 7; i++) {
    void *volatile block = malloc(100);
    if (i >= 2) free(block);
  }
  _exit(0);
}

static void await(pid_t pid) {
  int status = -1;
  if (pid <= 0 || waitpid(pid, &status, 0) != pid || status != 0) _exit(1);
}

int main(int count, char **arguments) {
  if (count > 1) { /* what the last child becomes */
    void *volatile block = malloc((size_t)atoi(arguments[1]));
    return block == NULL;
  }
  for (int i = 0; i < BEFORE; i++) before[i] = malloc(1000);
  /* No handler of pthread_atfork runs. With other threads, libc's malloc could not be used in the child. */
  pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
  if (pid == 0) child();
  await(pid);

  pthread_t thread;
  pthread_create(&thread, NULL, disturb, NULL);
  pid = fork();
  if (pid == 0) child();
  await(pid);
  pid = vfork();
  if (pid == 0) _exit(0);
  await(pid);
  char *spawned[] = {arguments[0], "12345", NULL};
  if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, spawned, environ) != 0) return 1;
  await(pid);

  is_done = true;
  pthread_join(thread, NULL);
  for (int i = 0; i < 3; i++) {
    void *volatile block = malloc(300);
    (void)block;
  }
  return 0;
}
