/*
 * Three threads that make and free blocks of 1, 2, ... 60000 bytes and again, until somebody ends the process. When the
 * first has done so with as many as the first argument says, it writes a line to the file that the second one names, or
 * without that kills the process, wherever the others are.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void *run(void *ignored) {
  for (size_t i = 0;; i++) {
    void *volatile block = malloc(1 + i % 60000);
    free(block);
  }
  return ignored;
}

int main(int count, char **arguments) {
  if (count < 2) return 2;
  pthread_t thread;
  pthread_create(&thread, NULL, run, NULL);
  pthread_create(&thread, NULL, run, NULL);
  size_t first = strtoul(arguments[1], NULL, 10), i = 0;
  for (;; i++) {
    if (i == first) {
      if (count == 2) kill(getpid(), SIGKILL);
      int file = open(arguments[2], O_WRONLY);
      if (file < 0 || write(file, "\n", 1) != 1) return 1;
    }
    void *volatile block = malloc(1 + i % 60000);
    free(block);
  }
}
