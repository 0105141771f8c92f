/* rptest: src/workloads/synthetic/rptest.ts. */
#include "workload.h"

enum { BURST = 100 };

static void unit(const struct request *request, struct state *state) {
  void **const slots = state->slots;
  const uint32_t most = request->working_set, min = request->min, range = request->max - min;
  uint32_t x = state->x, checksum = state->checksum, live = state->position;
  for (uint32_t done = 0; done < request->cycles; done += BURST) {
    const uint32_t left = request->cycles - done, length = left < BURST ? left : BURST;
    x = xorshift32(x);
    const uint32_t mallocs_of_16 = 2 + scale16(x & 0xffff, 13);
    const bool is_linear = x >> 31 == 1;
    for (uint32_t i = 0; i < length; i++) {
      x = xorshift32(x);
      if (live == 0 || (live < most && x >> 28 < mallocs_of_16)) {
        x = xorshift32(x);
        const uint32_t one = scale16(x >> 16, range);
        const uint32_t other = is_linear ? scale16(x & 0xffff, range) : one >> (x & 7);
        const uint32_t size = min + (one < other ? one : other);
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
