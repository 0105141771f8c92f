/* larson: src/workloads/synthetic/larson.ts. */
#include "workload.h"

static void begin(const struct request *request, struct state *state) {
  if (!begin_full(request, state, request->chunks)) return;
  void **const slots = state->slots;
  uint32_t x = state->x;
  for (uint32_t left = request->chunks; left > 0; left--) {
    x = xorshift32(x);
    const uint32_t victim = below(x, left);
    void *swapped = slots[victim];
    slots[victim] = slots[left - 1];
    slots[left - 1] = swapped;
  }
  state->x = x;
}

/* By how much a random number is shifted to be below a power of two, as below() makes it; 0 for any other count. */
static uint32_t shift_to(uint32_t count) {
  return count > 1 && (count & (count - 1)) == 0 ? 1 + (uint32_t)__builtin_clz(count) : 0;
}

/* What a random number asks for. A call where a malloc has failed: so the size need not be kept over each malloc. */
static __attribute__((noinline)) uint32_t size_of(const struct request *request, uint32_t x) {
  return request->min + below(x, request->max - request->min);
}

static void unit(const struct request *request, struct state *state) {
  void **const slots = state->slots;
  const uint32_t range = request->max - request->min, chunks = request->chunks, min = request->min;
  const uint32_t shift = shift_to(chunks);
  const uint64_t operations = (uint64_t)request->rounds * chunks;
  uint32_t x = state->x, checksum = state->checksum;
  for (uint64_t left = operations; left > 0; left--) {
    x = xorshift32(x);
    const uint32_t victim = shift != 0 ? x >> shift : below(x, chunks);
    checksum += victim;
    release(slots[victim]);
    x = xorshift32(x);
    const uint32_t size = min + below(x, range);
    checksum = (checksum ^ x) + size;
    void *pointer = allocate(size);
    if (pointer == NULL) {
      state->failed_size = size_of(request, x);
      return;
    }
    slots[victim] = pointer;
    unsigned char volatile *bytes = bytes_of(pointer);
    bytes[0] = 'a';
    (void)bytes[0]; /* volatile: the read happens */
    bytes[1] = 'b';
  }
  state->x = x;
  state->checksum = checksum;
  state->operations += operations;
}

static void end(const struct request *request, struct state *state) { release_slots(state, request->chunks); }

const struct workload larson = {
    .name = "larson", .begin = begin, .unit = unit, .end = end, .slots_per_working_set = 1, .crossing = SUCCESSORS};
