/* xmalloc-test: src/workloads/synthetic/xmalloctest.ts. */
#include "workload.h"

static bool produce(const struct request *request, struct state *state) {
  const uint32_t own = state->thread / 2, batch = state->position++ % RING_BATCHES;
  const uint32_t min = request->min, range = request->max - min;
  atomic_uint *is_full = &state->common->batches[own][batch].is_full;
  if (!await_value(is_full, 0, state->common->failed)) return false;
  void **const slots = state->common->rings[own];
  uint32_t x = state->x, checksum = state->checksum;
  for (uint32_t slot = batch * BATCH_BLOCKS; slot < (batch + 1) * BATCH_BLOCKS; slot++) {
    x = xorshift32(x);
    const uint32_t size = min + scale16(x >> 16, range);
    void *pointer = allocate(size);
    if (pointer == NULL) {
      state->failed_size = size;
      return false;
    }
    *bytes_of(pointer) = (unsigned char)slot;
    slots[slot] = pointer;
    checksum = (checksum + size) ^ x;
  }
  state->x = x;
  state->checksum = checksum;
  state->operations += BATCH_BLOCKS;
  atomic_store(is_full, 1);
  return true;
}

static bool consume(struct state *state) {
  /* Batch b of producer p is for consumer (p + b) modulo their number. */
  const uint32_t producers = state->threads < 2 ? 1 : state->threads / 2, own = state->thread / 2;
  const uint32_t round = state->position / producers, producer = state->position++ % producers;
  const uint32_t batch = (round * producers + (own + producers - producer) % producers) % RING_BATCHES;
  atomic_uint *is_full = &state->common->batches[producer][batch].is_full;
  if (!await_value(is_full, 1, state->common->failed)) return false;
  void **const slots = state->common->rings[producer];
  uint32_t checksum = state->checksum;
  for (uint32_t slot = batch * BATCH_BLOCKS; slot < (batch + 1) * BATCH_BLOCKS; slot++) {
    void *pointer = slots[slot];
    (void)*bytes_of(pointer); /* volatile: the read happens */
    release(pointer);
    slots[slot] = NULL;
    checksum = checksum * 31 + slot;
  }
  state->checksum = checksum;
  state->operations += BATCH_BLOCKS;
  atomic_store(is_full, 0);
  return true;
}

static void unit(const struct request *request, struct state *state) {
  /* As many batches for each consumer from each producer, whatever their number. */
  const uint32_t most = MAX_PRODUCERS / 2;
  const uint64_t pairs = most * (((uint64_t)request->cycles + 2 * BATCH_BLOCKS * most - 1) / (2 * BATCH_BLOCKS * most));
  for (uint64_t left = pairs; left > 0; left--) {
    if (state->threads == 1) {
      if (!produce(request, state)) return;
      state->position--;
      consume(state);
    } else if (state->thread % 2 == 0) {
      if (!produce(request, state) || !produce(request, state)) return;
    } else if (!consume(state) || !consume(state)) {
      return;
    }
  }
}

const struct workload xmalloc_test = {.name = "xmalloc-test",
                                      .begin = begin_empty,
                                      .unit = unit,
                                      .slots_per_working_set = 1,
                                      .crossing = TOGETHER};
