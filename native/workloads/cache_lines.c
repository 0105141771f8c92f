/* cache-scratch and cache-thrash: src/workloads/synthetic/cache_lines.ts. */
#include "workload.h"

enum { TIMES = 100, WORD = 8 };

static void begin(const struct request *request, struct state *state) {
  begin_empty(request, state);
  state->checksum = request->seed;
}

static void unit(const struct request *request, struct state *state) {
  const uint32_t size = request->size;
  uint32_t checksum = state->checksum;
  for (uint32_t cycle = 0; cycle < request->cycles; cycle++) {
    void *pointer = allocate(size);
    if (pointer == NULL) {
      state->failed_size = size;
      return;
    }
    unsigned char volatile *bytes = bytes_of(pointer);
    for (uint32_t at = 0; at < size; at++) bytes[at] = (unsigned char)at;
    for (uint32_t time = 0; time < TIMES; time++) {
      for (uint32_t at = 0; at < size; at += WORD) bytes[at] = (unsigned char)(bytes[at] + 1);
    }
    checksum = checksum * 31 + size;
    release(pointer);
  }
  state->checksum = checksum;
  state->operations += request->cycles;
}

static void begin_scratch(const struct request *request, struct state *state) {
  begin(request, state);
  state->position = 1;
  for (uint32_t thread = 0; state->thread == 0 && thread < state->threads; thread++) {
    state->common->gifts[thread] = allocate(request->size);
    if (state->common->gifts[thread] == NULL) state->failed_size = request->size;
  }
}

static void unit_scratch(const struct request *request, struct state *state) {
  if (state->position == 1) release(state->common->gifts[state->thread]);
  state->position = 0;
  unit(request, state);
}

const struct workload cache_scratch = {.name = "cache-scratch",
                                       .begin = begin_scratch,
                                       .unit = unit_scratch,
                                       .slots_per_working_set = 1,
                                       .crossing = TOGETHER};
const struct workload cache_thrash = {
    .name = "cache-thrash", .begin = begin, .unit = unit, .slots_per_working_set = 1};
