/* sh8bench: src/workloads/synthetic/sh8bench.ts. */
#include "workload.h"

enum { BATCH = 64 };

static void begin(const struct request *request, struct state *state) {
  begin_full(request, state, request->working_set);
}

static void unit(const struct request *request, struct state *state) {
  void **const slots = state->slots;
  const uint32_t ring = request->working_set / 2, ring_mask = ring - 1;
  const uint32_t min = request->min, range = request->max - min, small_range = range / 8 + 1;
  uint32_t x = state->x, checksum = state->checksum, head = state->position;
  for (uint32_t done = 0; done < request->cycles; done += BATCH) {
    const uint32_t left = request->cycles - done, length = left < BATCH ? left : BATCH;
    x = xorshift32(x);
    const bool is_reverse = x >> 31 == 1;
    uint32_t slot = (is_reverse ? head - 1 : head) & ring_mask;
    for (uint32_t i = 0; i < length; i++) {
      void *pointer = slots[slot];
      if (i % 8 == 0) {
        x = xorshift32(x);
        const uint32_t elder = ring + (x & ring_mask);
        void *young = pointer;
        pointer = slots[elder];
        slots[elder] = young;
        checksum += elder;
      }
      (void)*bytes_of(pointer); /* volatile: the read happens */
      release(pointer);
      checksum += slot;
      slot = (is_reverse ? slot - 1 : slot + 1) & ring_mask;
    }
    slot = (is_reverse ? head - length : head) & ring_mask;
    for (uint32_t i = 0; i < length; i++) {
      x = xorshift32(x);
      const uint32_t size = min + scale16(x & 0xffff, x >> 30 == 0 ? range : small_range);
      void *pointer = allocate(size);
      if (pointer == NULL) {
        state->failed_size = size;
        return;
      }
      *bytes_of(pointer) = (unsigned char)x;
      slots[slot] = pointer;
      checksum = (checksum + size) ^ slot;
      slot = (slot + 1) & ring_mask;
    }
    head = slot;
  }
  state->x = x;
  state->checksum = checksum;
  state->position = head;
  state->operations += request->cycles;
}

static void end(const struct request *request, struct state *state) { release_slots(state, request->working_set); }

const struct workload sh8bench = {.name = "sh8bench",
                                  .begin = begin,
                                  .unit = unit,
                                  .end = end,
                                  .slots_per_working_set = 1,
                                  .least_working_set = 2 * BATCH,
                                  .crossing = SUCCESSORS};
