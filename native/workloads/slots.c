/* How workloads begin and end: slots that are filled and emptied. src/workloads/live_set.ts and free_all.ts. */
#include "workload.h"

void begin_empty(const struct request *request, struct state *state) { *state = (struct state){.x = request->seed}; }

bool begin_full(const struct request *request, struct state *state, uint32_t count) {
  const uint32_t range = request->max - request->min;
  *state = (struct state){.x = request->seed};
  for (uint32_t slot = 0; slot < count; slot++) {
    state->x = xorshift32(state->x);
    const uint32_t size = request->min + below(state->x, range);
    slots[slot] = allocate(size);
    if (slots[slot] == NULL) {
      state->failed_size = size;
      return false;
    }
    *bytes_of(slots[slot]) = (unsigned char)size;
  }
  return true;
}

void drain_slots(const struct request *request, struct state *state) {
  for (uint32_t slot = 0; slot < request->working_set; slot++) {
    void *pointer = slots[slot];
    if (pointer == NULL) continue;
    release(pointer);
    slots[slot] = NULL;
    state->checksum += slot;
    state->operations++;
  }
}

void release_slots(uint32_t count) {
  for (uint32_t slot = 0; slot < count; slot++) {
    release(slots[slot]);
    slots[slot] = NULL;
  }
}
