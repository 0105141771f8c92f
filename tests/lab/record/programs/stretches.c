/*
 * Lets recording go on and pauses it by itself. Recorded are: 5 blocks of 100 bytes; of them, while it is paused, 2 frees and
 * a realloc to 300; 3 blocks of 50; a free of a block from before, which is left out. With an argument it takes the signal
 * for itself before that.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>

static void *allocate(size_t size) {
  void *volatile block = malloc(size);
  return block;
}

int main(int count, char **arguments) {
  (void)arguments;
  if (count > 1) signal(SIGUSR2, SIG_IGN);
  void *before[10], *recorded[5];
  for (int i = 0; i < 10; i++) before[i] = allocate(1000);
  raise(SIGUSR2); /* goes on */
  for (int i = 0; i < 5; i++) recorded[i] = allocate(100);
  free(before[0]);
  raise(SIGUSR2); /* paused */
  free(recorded[0]);
  free(recorded[1]);
  for (int i = 1; i < 10; i++) free(before[i]);
  for (int i = 0; i < 7; i++) free(allocate(77));
  recorded[2] = realloc(recorded[2], 300);
  free(realloc(allocate(10), 20000));
  raise(SIGUSR2); /* goes on */
  for (int i = 0; i < 3; i++) allocate(50);
  return recorded[2] == NULL;
}
