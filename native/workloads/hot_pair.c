/* hot-pair: src/workloads/hot_pair.ts. */
#include "workload.h"

static void *volatile sink; /* what the pointers end in */

static void begin(const struct request *request, struct state *state) {
  *state = (struct state){.checksum = request->seed};
}

static void unit(const struct request *request, struct state *state) {
  const uint32_t size = request->size;
  uint32_t checksum = state->checksum;
  void *last = NULL;
  for (uint32_t cycle = 0; cycle < request->cycles; cycle++) {
    void *pointer = allocate(size);
    release(pointer);
    last = pointer;
    checksum += size;
  }
  sink = last;
  state->checksum = checksum;
  state->operations += 2 * (uint64_t)request->cycles;
  if (last == NULL) state->failed_size = size;
}

const struct workload hot_pair = {"hot-pair", begin, unit, NULL, NULL, 1};
