/* alloc-test: src/workloads/synthetic/alloctest.ts. */
#include "workload.h"

static void unit(const struct request *request, struct state *state) {
  void **const slots = state->slots;
  const uint32_t slot_mask = request->working_set - 1;
  uint32_t x = state->x, checksum = state->checksum;
  for (uint32_t cycle = 0; cycle < request->cycles; cycle++) {
    x = xorshift32(x);
    const uint32_t slot = (x & slot_mask) >> (x >> 29);
    void *pointer = slots[slot];
    if (pointer != NULL) {
      (void)*bytes_of(pointer); /* volatile: the read happens */
      release(pointer);
      slots[slot] = NULL;
      checksum ^= x;
    } else {
      const uint32_t size = 1 + (((x >> 16) & 1023) >> ((x >> 26) & 7));
      pointer = allocate(size);
      if (pointer == NULL) {
        state->failed_size = size;
        return;
      }
      unsigned char volatile *bytes = bytes_of(pointer);
      bytes[0] = (unsigned char)x;
      bytes[size - 1] = (unsigned char)x;
      slots[slot] = pointer;
      checksum = (checksum + x) ^ size;
    }
  }
  state->x = x;
  state->checksum = checksum;
  state->operations += request->cycles;
}

const struct workload alloc_test = {
    .name = "alloc-test", .begin = begin_empty, .unit = unit, .drain = drain_slots, .slots_per_working_set = 1};
