/* slow-mix: src/workloads/synthetic/slow_mix.ts. */
#include "workload.h"

/* The size of a block is LEAST + ((amount & MASK) * FACTOR >> 14), by kind: six large ones, five of the largest class, four
   aligned ones and a small one. */
#define BY_KIND(large, largest_class, aligned, small)                                                                  \
  {large, large, large, large, large, large, largest_class, largest_class, largest_class, largest_class, largest_class, \
   aligned, aligned, aligned, aligned, small}
static const uint32_t LEAST[16] = BY_KIND(32769, 1024, 1, 1);
static const uint32_t MASK[16] = BY_KIND(0xffff, 1023, 0xffff, 255);
static const uint32_t FACTOR[16] = BY_KIND(7 << 13, 1 << 14, 1 << 10, 1 << 14);
enum { FIRST_ALIGNED_KIND = 11, ALIGNED_KINDS = 4 };

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
    const uint32_t size = LEAST[kind] + ((amount & MASK[kind]) * FACTOR[kind] >> 14);
    if (kind - FIRST_ALIGNED_KIND < ALIGNED_KINDS)
      pointer = allocate_aligned((size_t)2048 << (amount & 3), size);
    else
      pointer = allocate(size);
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
