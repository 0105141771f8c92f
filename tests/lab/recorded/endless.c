/* Three threads that make and free blocks of 1, 2, ... 60000 bytes and again, until somebody ends the process. */
#include <pthread.h>
#include <stdlib.h>

static void *run(void *ignored) {
  for (size_t i = 0;; i++) {
    void *volatile block = malloc(1 + i % 60000);
    free(block);
  }
  return ignored;
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, run, NULL);
  pthread_create(&thread, NULL, run, NULL);
  run(NULL);
  return 0;
}
