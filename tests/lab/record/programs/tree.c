/*
 * A program whose tree of calls is known, and what each of its stacks allocates:
 *
 *     main > outer > middle > leaf_a      1000 blocks of 100 bytes, of which every other one is freed
 *     main > outer > middle > leaf_b      1000 temporary blocks of 50 bytes
 *     main > other > leaf_a               5 temporary blocks of 1000 bytes
 *
 * An argument makes it do that in another thread, in a fork, in the program that it becomes, or call a library; `reloads`
 * loads and closes a library again and again, and between calls leaf_a in 64 ways.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RELOADS = 6500 };

#define KEPT __attribute__((noinline, noclone, used))

static void *volatile sink;

KEPT void *leaf_a(size_t size) {
  void *block = malloc(size);
  sink = block;
  return block;
}

KEPT void *leaf_b(size_t size) {
  void *block = calloc(1, size);
  sink = block;
  return block;
}

KEPT void middle(int turn) {
  void *kept = leaf_a(100);
  free(leaf_b(50));
  if (turn % 2 != 0) free(kept);
}

KEPT void outer(int turns) {
  for (int turn = 0; turn < turns; turn++) middle(turn);
}

KEPT void other(int turns) {
  for (int turn = 0; turn < turns; turn++) free(leaf_a(1000));
}

KEPT void *in_thread(void *argument) {
  outer(1000);
  other(5);
  return argument;
}

/* A library that is loaded, called and closed twice, the second time another one. */
KEPT void in_library(const char *path) {
  void *library = dlopen(path, RTLD_NOW);
  void (*allocate)(void) = library == NULL ? NULL : (void (*)(void))dlsym(library, "allocate");
  if (allocate == NULL) abort();
  allocate();
  dlclose(library);
}

static volatile int left, right;

KEPT void ways(unsigned way, int levels) {
  if (levels == 0) {
    free(leaf_a(16));
  } else if (way % 2 == 0) {
    ways(way / 2, levels - 1);
    left++;
  } else {
    ways(way / 2, levels - 1);
    right++;
  }
}

KEPT void reload(const char *path, int times) {
  for (; times > 0; times--) {
    in_library(path);
    for (unsigned way = 0; way < 64; way++) ways(way, 6);
  }
}

int main(int count, char **arguments) {
  const char *mode = count > 1 ? arguments[1] : "";
  if (strcmp(mode, "thread") == 0) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, in_thread, NULL) != 0) return 1;
    pthread_join(thread, NULL);
    return 0;
  }
  if (strcmp(mode, "fork") == 0) {
    free(leaf_a(7));
    const pid_t pid = fork();
    if (pid == 0) in_thread(NULL);
    return pid != 0 && waitpid(pid, NULL, 0) != pid;
  }
  if (strcmp(mode, "exec") == 0) execl("/proc/self/exe", arguments[0], (char *)NULL);
  if (strcmp(mode, "libraries") == 0) {
    in_library(arguments[2]);
    in_library(arguments[3]);
    return 0;
  }
  if (strcmp(mode, "reloads") == 0) {
    if (strcmp(arguments[3], "held") == 0) dlopen(arguments[2], RTLD_NOW);
    reload(arguments[2], RELOADS);
    return 0;
  }
  outer(1000);
  other(5);
  return 0;
}
