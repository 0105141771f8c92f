/* hot-pair: src/workloads/synthetic/hot_pair.ts. */
#include "workload.h"

static void begin(const struct request *request, struct state *state) {
  begin_empty(request, state);
  state->checksum = request->seed;
}

static void unit(const struct request *request, struct state *state) {
  const uint32_t size = request->size;
  uint32_t checksum = state->checksum;
  uintptr_t last = 0; /* an address: a pointer may not be looked at after its free */
  for (uint32_t cycle = 0; cycle < request->cycles; cycle++) {
    void *pointer = allocate(size);
    last = (uintptr_t)pointer;
    release(pointer);
    checksum += size;
  }
  state->checksum = checksum;
  state->operations += 2 * (uint64_t)request->cycles;
  if (last == 0) state->failed_size = size;
}

const struct workload hot_pair = {
    .name = "hot-pair", .begin = begin, .unit = unit, .slots_per_working_set = 1};
