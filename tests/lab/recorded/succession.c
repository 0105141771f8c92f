/* So many threads one after the other, each of which makes a block and frees it. */
#include <pthread.h>
#include <stdlib.h>

static void *run(void *ignored) {
  void *volatile block = malloc(24);
  free(block);
  return ignored;
}

int main(int count, char **arguments) {
  for (long threads = count > 1 ? atol(arguments[1]) : 1; threads > 0; threads--) {
    pthread_t thread;
    pthread_create(&thread, NULL, run, NULL);
    pthread_join(thread, NULL);
  }
  return 0;
}
