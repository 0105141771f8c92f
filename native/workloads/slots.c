/* How workloads begin and end: slots that are filled and emptied. src/workloads/synthetic/live_set.ts and free_all.ts. */
#include "workload.h"

void begin_empty(const struct request *request, struct state *state) {
  state->x = request->seed;
  state->checksum = 0;
  state->operations = 0;
  state->position = 0;
}

bool begin_full(const struct request *request, struct state *state, uint32_t count) {
  const uint32_t range = request->max - request->min;
  begin_empty(request, state);
  for (uint32_t slot = 0; slot < count; slot++) {
    state->x = xorshift32(state->x);
    const uint32_t size = request->min + below(state->x, range);
    void *pointer = allocate(size);
    if (pointer == NULL) {
      state->failed_size = size;
      return false;
    }
    *bytes_of(pointer) = (unsigned char)size;
    state->slots[slot] = pointer;
  }
  return true;
}

void drain_slots(const struct request *request, struct state *state) {
  for (uint32_t slot = 0; slot < request->working_set; slot++) {
    void *pointer = state->slots[slot];
    if (pointer == NULL) continue;
    release(pointer);
    state->slots[slot] = NULL;
    state->checksum += slot;
    state->operations++;
  }
}

void release_slots(struct state *state, uint32_t count) {
  for (uint32_t slot = 0; slot < count; slot++) {
    release(state->slots[slot]);
    state->slots[slot] = NULL;
  }
}
