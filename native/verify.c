/*
 * The oracle of native peers: whether the malloc of this process does what every measurement takes for granted. A library
 * that hands out one block again and again is faster than any allocator, so each is verified, in a process of its own,
 * before it is measured (src/lab/contest/verified.ts):
 *
 *     ready malloc=/usr/lib/x86_64-linux-gnu/libmimalloc.so.2 ...       identity.c
 *     > verify
 *     ok
 *     error it returns the same block twice: malloc(24)
 *
 * Every block that is live is known here, and filled to its end: no other may overlap it, and what was written must be
 * there when it is freed or resized. Zeros of calloc are looked for in memory that was written to before. Functions that
 * the library leaves to the C library are not called, since those know nothing of its blocks. In all some 50 MB are
 * allocated, so a library that never reuses what is freed passes, too. Alignments are those of the workload slow-mix:
 * mimalloc 2.0.9, which many have, misses some smaller ones (256 bytes at 256), and a replay looks at each of its own.
 */
#if !defined(__APPLE__)
#define _POSIX_C_SOURCE 200809L
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity.h"

enum { LINE_BYTES = 64, BLOCKS = 1024, STEPS = 20000, ROW_BLOCKS = 48, ROW_BYTES = 1 << 20 };
enum kind { MALLOC, CALLOC, REALLOC, MEMALIGN };

/* What is said of a call; the number is the size. */
static const char *const calls[] = {"malloc(%zu)", "calloc(1, %zu)", "realloc(block, %zu)", "posix_memalign(&block, alignment, %zu)"};

struct block {
  unsigned char *start; /* NULL: there is none */
  size_t size;
  unsigned char seed; /* of what it is filled with */
};

static struct block blocks[BLOCKS];
static bool has_calloc, has_realloc, has_memalign;
static size_t (*usable_size)(void *);
static uint32_t random_state = 12345;

static uint32_t next_random(void) {
  uint32_t x = random_state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return random_state = x;
}

static void fail(const char *what, enum kind kind, size_t size) {
  printf("error it %s: ", what);
  printf(calls[kind], size);
  putchar('\n');
  exit(1);
}

/* ---- what a block holds ------------------------------------------------------------------------------------------ */

/* Never 0, which calloc's bytes are. */
static unsigned char byte_at(const struct block *block, size_t at) {
  return (unsigned char)((block->seed + at) | 1);
}

static void fill(const struct block *block) {
  for (size_t at = 0; at < block->size; at++) block->start[at] = byte_at(block, at);
}

static bool holds(const struct block *block, size_t bytes) {
  for (size_t at = 0; at < bytes; at++) {
    if (block->start[at] != byte_at(block, at)) return false;
  }
  return true;
}

/* Of small blocks C asks for no more alignment than anything has that fits in them. */
static size_t alignment_of(size_t size) {
  size_t alignment = 1;
  while (alignment * 2 <= size && alignment < _Alignof(max_align_t)) alignment *= 2;
  return alignment;
}

/* ---- single steps ------------------------------------------------------------------------------------------------ */

/* Takes a block into the table that the library has just given, after every other one was looked at. */
static void take(struct block *block, void *pointer, size_t size, size_t alignment, enum kind kind) {
  unsigned char *start = pointer;
  if (start == NULL) {
    printf("error ");
    printf(calls[kind], size);
    puts(" gave NULL");
    exit(1);
  }
  if (((uintptr_t)start & (alignment - 1)) != 0) fail("returns a block that is not aligned", kind, size);
  for (size_t i = 0; i < BLOCKS; i++) {
    const struct block *other = &blocks[i];
    if (other->start == NULL) continue;
    if (start == other->start) fail("returns the same block twice", kind, size);
    if (start < other->start + other->size && other->start < start + size) {
      fail("returns a block that overlaps another one", kind, size);
    }
  }
  if (usable_size != NULL && usable_size(start) < size) fail("says that less of a block is usable than was asked for", kind, size);
  *block = (struct block){start, size, (unsigned char)next_random()};
  if (kind == CALLOC) {
    for (size_t at = 0; at < size; at++) {
      if (start[at] != 0) fail("returns a block that is not zeroed", kind, size);
    }
  }
  fill(block);
}

static void allocate(struct block *block, enum kind kind, size_t size, size_t alignment) {
  void *pointer = NULL;
  if (kind == CALLOC && has_calloc) {
    take(block, calloc(1, size), size, alignment_of(size), kind);
  } else if (kind == REALLOC && has_realloc) {
    take(block, realloc(NULL, size), size, alignment_of(size), kind);
  } else if (kind == MEMALIGN && has_memalign) {
    if (posix_memalign(&pointer, alignment, size) != 0) pointer = NULL;
    take(block, pointer, size, alignment, kind);
  } else {
    take(block, malloc(size), size, alignment_of(size), MALLOC);
  }
}

static void check(const struct block *block) {
  if (holds(block, block->size)) return;
  printf("error it loses what was written to a block of %zu bytes\n", block->size);
  exit(1);
}

static void release(struct block *block) {
  if (block->start == NULL) return;
  check(block);
  free(block->start);
  block->start = NULL;
}

static void resize(struct block *block, size_t size) {
  const struct block before = *block;
  struct block after = before;
  check(block);
  block->start = NULL;
  after.start = realloc(before.start, size);
  if (after.start != NULL && !holds(&after, size < before.size ? size : before.size)) {
    fail("loses a block's contents", REALLOC, size);
  }
  take(block, after.start, size, alignment_of(size), REALLOC);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* So many blocks of one size, live together; twice, so that the second are those that were freed. */
static void verify_size(size_t size) {
  size_t count = ROW_BYTES / size;
  if (count > ROW_BLOCKS) count = ROW_BLOCKS;
  if (count < 2) count = 2;
  for (int again = 0; again < 2; again++) {
    for (size_t i = 0; i < count; i++) allocate(&blocks[i], again ? CALLOC : MALLOC, size, 0);
    for (size_t i = 0; i < count; i++) release(&blocks[i]);
  }
}

/* Sizes as programs have them: most are small, few are large. */
static size_t next_size(void) {
  const uint32_t r = next_random(), size = r & 0xfffff;
  if (r >> 21 == 0) return 1 + size;        /* of 2,048 one, to 1 MiB */
  if (r >> 25 == 0) return 1 + (size >> 5); /* of 128 one, to 32 KiB */
  return 1 + (size >> (10 + (r >> 30)));
}

static void verify_mixed(void) {
  for (uint32_t step = 0; step < STEPS; step++) {
    const uint32_t r = next_random();
    struct block *block = &blocks[r % BLOCKS];
    if (block->start == NULL) allocate(block, (enum kind)(r >> 28 & 3), next_size(), (size_t)2048 << (r >> 26 & 3));
    else if (has_realloc && r >> 30 == 0) resize(block, next_size());
    else release(block);
  }
  for (size_t i = 0; i < BLOCKS; i++) release(&blocks[i]);
}

static void verify(void) {
  has_calloc = brings("calloc");
  has_realloc = brings("realloc");
  has_memalign = brings("posix_memalign");
  if (!find_in_library("malloc_usable_size", &usable_size)) usable_size = NULL;
  for (size_t size = 1; size <= 1 << 18; size *= 2) {
    verify_size(size);
    verify_size(size + size / 2);
  }
  verify_mixed();
  puts("ok");
}

int main(void) {
  static char line[LINE_BYTES], input[BUFSIZ], output[BUFSIZ];
  setvbuf(stdin, input, _IOFBF, sizeof input);
  setvbuf(stdout, output, _IOLBF, sizeof output);
  print_ready();
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strcmp(line, "verify\n") == 0) verify();
    else puts("error expected: verify");
  }
  return 0;
}
