/* random-mixed: src/workloads/synthetic/random_mixed.ts. */
#include "workload.h"

static void unit(const struct request *request, struct state *state) {
  void **const slots = state->slots;
  const uint32_t slot_mask = request->working_set - 1, size_mask = request->size - 1;
  uint32_t x = state->x, checksum = state->checksum;
  for (uint32_t cycle = 0; cycle < request->cycles; cycle++) {
    x = xorshift32(x);
    const uint32_t slot = x & slot_mask;
    void *pointer = slots[slot];
    if (pointer != NULL) {
      release(pointer);
      slots[slot] = NULL;
      checksum ^= x;
    } else {
      const uint32_t size = 1 + ((x >> 20) & size_mask);
      pointer = allocate(size);
      if (pointer == NULL) {
        state->failed_size = size;
        return;
      }
      *bytes_of(pointer) = (unsigned char)x;
      slots[slot] = pointer;
      checksum = (checksum + x) ^ size;
    }
  }
  state->x = x;
  state->checksum = checksum;
  state->operations += request->cycles;
}

const struct workload random_mixed = {
    .name = "random-mixed", .begin = begin_empty, .unit = unit, .drain = drain_slots, .slots_per_working_set = 1};
