/* slow-mix: src/workloads/slow_mix.ts. */
#include "workload.h"

/* Of 16 kinds of blocks, where each sort ends; the small ones are what is left. */
enum { LARGE_KINDS = 6, LARGEST_CLASS_KINDS = 11, ALIGNED_KINDS = 15 };

static void unit(const struct request *request, struct state *state) {
  void **const slots = state->slots;
  const uint32_t slot_mask = request->working_set - 1;
  uint32_t x = state->x, checksum = state->checksum;
  for (uint32_t cycle = 0; cycle < request->cycles; cycle++) {
    x = xorshift32(x);
    const uint32_t slot = x & slot_mask;
    void *pointer = slots[slot];
    if (pointer != NULL) {
      release(pointer);
      slots[slot] = NULL;
      checksum ^= x;
      continue;
    }
    const uint32_t amount = (x >> 12) & 0xffff, kind = x >> 28;
    uint32_t size;
    if (kind < LARGE_KINDS) {
      size = 32769 + amount * 3 + (amount >> 1);
      pointer = allocate(size);
    } else if (kind < LARGEST_CLASS_KINDS) {
      size = 1024 + (amount & 1023);
      pointer = allocate(size);
    } else if (kind < ALIGNED_KINDS) {
      size = 1 + (amount >> 4);
      pointer = allocate_aligned((size_t)2048 << (amount & 3), size);
    } else {
      size = 1 + (amount & 255);
      pointer = allocate(size);
    }
    if (pointer == NULL) {
      state->failed_size = size;
      return;
    }
    *bytes_of(pointer) = (unsigned char)x;
    slots[slot] = pointer;
    checksum = (checksum + x) ^ size;
  }
  state->x = x;
  state->checksum = checksum;
  state->operations += request->cycles;
}

const struct workload slow_mix = {
    .name = "slow-mix", .begin = begin_empty, .unit = unit, .drain = drain_slots, .slots_per_working_set = 1};
