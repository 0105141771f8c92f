/*
 * Four threads that hand blocks to one another. In the first part the numbers are known: each makes 1,000 blocks, and after
 * a barrier frees those of its neighbour, so that 4,000 are live at once. In the second they exchange blocks through a few
 * shared places as fast as they can; the blocks are too large for a list of the thread's own, so that an address that one
 * thread frees is given to another at once. Destructors of thread-specific data free, too, after the recorder's own has run
 * for the first time.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { THREADS = 4, BLOCKS = 1000, SIZE = 48, LARGE = 2000, PLACES = 16, EXCHANGES = 20000 };

static void *blocks[THREADS][BLOCKS];
static _Atomic(void *) places[PLACES];
static pthread_barrier_t barrier;
static pthread_key_t key;

static void *run(void *argument) {
  const int self = (int)(intptr_t)argument;
  pthread_setspecific(key, malloc(SIZE));
  for (int i = 0; i < BLOCKS; i++) blocks[self][i] = malloc(SIZE);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < BLOCKS; i++) free(blocks[(self + 1) % THREADS][i]);
  pthread_barrier_wait(&barrier);
  uint32_t random = (uint32_t)self + 1;
  for (int i = 0; i < EXCHANGES; i++) {
    random = random * 1664525u + 1013904223u;
    void *mine = i % 8 == 0 ? realloc(malloc(LARGE), 2 * LARGE) : malloc(LARGE);
    free(atomic_exchange(&places[random >> 28], mine));
  }
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  pthread_barrier_init(&barrier, NULL, THREADS);
  pthread_key_create(&key, free);
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, run, (void *)(intptr_t)i);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < PLACES; i++) free(places[i]);
  return 0;
}
