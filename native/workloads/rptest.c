/* rptest: src/workloads/synthetic/rptest.ts. */
#include "workload.h"

enum { BURST = 100 };

static void unit(const struct request *request, struct state *state) {
  void **const slots = state->slots;
  const uint32_t live_mask = request->working_set - 1, min = request->min, range = request->max - min;
  uint32_t x = state->x, checksum = state->checksum, live = state->position;
  for (uint32_t done = 0; done < request->cycles; done += BURST) {
    const uint32_t left = request->cycles - done, length = left < BURST ? left : BURST;
    x = xorshift32(x);
    const int32_t mallocs_below = ((int32_t)scale16(x & 0xffff, 13) - 6) * (1 << 28);
    const bool is_linear = x >> 31 == 1;
    for (uint32_t i = length; i > 0; i--) {
      x = xorshift32(x);
      if ((live & live_mask) != 0 ? (int32_t)x < mallocs_below : live == 0) {
        x = xorshift32(x);
        const int32_t sum = (int32_t)((x >> 16) + (x & 0xffff)) - 0xffff;
        const uint32_t part = is_linear ? (uint32_t)((sum ^ sum >> 31) - (sum >> 31)) : x >> 16 >> (x & 7);
        const uint32_t size = min + scale16(part, range);
        void *pointer = allocate(size);
        if (pointer == NULL) {
          state->failed_size = size;
          return;
        }
        *bytes_of(pointer) = (unsigned char)x;
        slots[live++] = pointer;
        checksum = (checksum + size) ^ x;
      } else {
        const uint32_t slot = scale16(x & 0xffff, live);
        void *pointer = slots[slot];
        (void)*bytes_of(pointer); /* volatile: the read happens */
        release(pointer);
        slots[slot] = slots[--live];
        slots[live] = NULL;
        checksum = (checksum + slot) ^ x;
      }
    }
  }
  state->x = x;
  state->checksum = checksum;
  state->position = live;
  state->operations += request->cycles;
}

const struct workload rptest = {
    .name = "rptest", .begin = begin_empty, .unit = unit, .drain = drain_slots, .slots_per_working_set = 1, .crossing = SUCCESSORS};
