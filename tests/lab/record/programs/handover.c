/*
 * An allocator behind the recorder, by LD_PRELOAD: what one thread frees, another one gets before `free` has returned. So
 * a recording whose order is wrong is wrong at every step. Only blocks of some size are treated like that.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 2000, MOST = 8000, PATIENCE = 200 };

void *__libc_malloc(size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static _Atomic(void *) offered;

void *malloc(size_t size) {
  void *block = size >= LEAST && size <= MOST ? atomic_exchange(&offered, NULL) : NULL;
  /* All of them are equally long, so that each can stand for any other. */
  return block != NULL ? block : __libc_malloc(size >= LEAST && size <= MOST ? MOST : size);
}

void free(void *block) {
  const size_t size = block == NULL ? 0 : malloc_usable_size(block);
  if (size < MOST || size > MOST + 64) {
    __libc_free(block);
    return;
  }
  void *before = atomic_exchange(&offered, block);
  if (before != NULL) __libc_free(before); /* nobody wanted that one */
  for (int i = 0; i < PATIENCE && offered == block; i++) sched_yield();
}

void *realloc(void *block, size_t size) {
  if (block == NULL || size < LEAST || size > MOST) return __libc_realloc(block, size);
  const size_t before = malloc_usable_size(block);
  void *moved = malloc(size);
  if (moved == NULL) return NULL;
  memcpy(moved, block, before < size ? before : size);
  free(block);
  return moved;
}
