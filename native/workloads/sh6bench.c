/* sh6bench: src/workloads/synthetic/sh6bench.ts. */
#include "workload.h"

enum { BATCH = 64 }; /* its square is 4096, by which sizes are shifted */

static void begin(const struct request *request, struct state *state) {
  begin_full(request, state, request->working_set);
}

static void unit(const struct request *request, struct state *state) {
  void **const slots = state->slots;
  const uint32_t slot_mask = request->working_set - 1, min = request->min, range = request->max - min;
  uint32_t x = state->x, checksum = state->checksum, head = state->position;
  for (uint32_t done = 0; done < request->cycles; done += BATCH) {
    const uint32_t left = request->cycles - done, length = left < BATCH ? left : BATCH;
    x = xorshift32(x);
    const uint32_t largest = 1 + scale16(x & 0xffff, range);
    const bool is_reverse = x >> 31 == 1;
    uint32_t slot = (is_reverse ? head - 1 : head) & slot_mask;
    for (uint32_t i = 0; i < length; i++) {
      void *pointer = slots[slot];
      (void)*bytes_of(pointer); /* volatile: the read happens */
      release(pointer);
      checksum = (checksum + slot) ^ x;
      slot = (is_reverse ? slot - 1 : slot + 1) & slot_mask;
    }
    slot = (is_reverse ? head - length : head) & slot_mask;
    for (uint32_t i = 0; i < length; i++) {
      const uint32_t size = min + (largest * i * i >> 12);
      void *pointer = allocate(size);
      if (pointer == NULL) {
        state->failed_size = size;
        return;
      }
      *bytes_of(pointer) = (unsigned char)x;
      slots[slot] = pointer;
      checksum = (checksum + size) ^ slot;
      slot = (slot + 1) & slot_mask;
    }
    head = slot;
  }
  state->x = x;
  state->checksum = checksum;
  state->position = head;
  state->operations += request->cycles;
}

static void end(const struct request *request, struct state *state) { release_slots(state, request->working_set); }

const struct workload sh6bench = {.name = "sh6bench",
                                  .begin = begin,
                                  .unit = unit,
                                  .end = end,
                                  .slots_per_working_set = 1,
                                  .least_working_set = BATCH};
