/* Two threads that make so many blocks each; then the process is killed, by itself. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

static long blocks;

static void *run(void *ignored) {
  for (long i = 0; i < blocks; i++) {
    void *volatile block = malloc(24);
    (void)block;
  }
  return ignored;
}

int main(int count, char **arguments) {
  blocks = count > 1 ? atol(arguments[1]) : 1000;
  pthread_t thread;
  pthread_create(&thread, NULL, run, NULL);
  run(NULL);
  pthread_join(thread, NULL);
  raise(SIGKILL);
  return 0;
}
