/*
 * How a replay uses a block: src/workloads/replay/replay_blocks.ts. Its first byte is written, its last, and those of
 * each STEP in between, so that every page of it is touched.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { STEP = 4096 };

static inline void touch(void *pointer, size_t size, uint8_t byte) {
  uint8_t volatile *bytes = pointer;
  if (size == 0) return;
  bytes[0] = byte;
  for (size_t at = STEP; at < size; at += STEP) bytes[at - 1] = bytes[at] = byte;
  bytes[size - 1] = byte;
}

/* 0 if those bytes are what was written. */
static inline uint8_t differs(const void *pointer, size_t size, uint8_t byte) {
  const uint8_t volatile *bytes = pointer;
  if (size == 0) return 0;
  uint8_t difference = (uint8_t)((bytes[0] ^ byte) | (bytes[size - 1] ^ byte));
  for (size_t at = STEP; at < size; at += STEP) difference |= (uint8_t)((bytes[at - 1] ^ byte) | (bytes[at] ^ byte));
  return difference;
}
