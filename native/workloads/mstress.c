/* mstress: src/workloads/synthetic/mstress.ts. */
#include "workload.h"

enum { MOST_BLOCKS = 8 };

static uint16_t sizes[512];

static __attribute__((constructor)) void make_sizes(void) {
  for (uint32_t bits = 0; bits < 512; bits++) sizes[bits] = (uint16_t)(8u << (bits >> 6) << (bits % 64 == 0 ? 4 : 0));
}

/* The first `dying` objects die, a power of two or none; then the first `born` are made. */
static void generation(struct state *state, uint32_t dying, uint32_t born) {
  void **const slots = state->slots;
  uint32_t *const rows = state->rows;
  uint32_t x = state->x, checksum = state->checksum;
  for (uint32_t place = 0; place < dying; place++) {
    x = xorshift32(x);
    uint32_t row = rows[place];
    if (x >> 29 == 0) {
      const uint32_t other = dying + (x & (dying - 1) & ~7u) + place % 8, survivor = row;
      row = rows[other];
      rows[other] = survivor;
      rows[place] = row;
    }
    checksum = (checksum + row) ^ x;
  }
  for (uint32_t place = 0; place < dying; place++) {
    const uint32_t row = rows[place];
    for (uint32_t held = place % 8 + 1; held > 0; held--) {
      const uint32_t slot = row + held - 1;
      void *pointer = slots[slot];
      (void)*bytes_of(pointer); /* volatile: the read happens */
      release(pointer);
      slots[slot] = NULL;
    }
  }
  for (uint32_t place = 0; place < born; place++) {
    const uint32_t row = rows[place];
    for (uint32_t slot = row; slot <= row + place % 8; slot++) {
      x = xorshift32(x);
      const uint32_t size = sizes[x >> 23];
      void *pointer = allocate(size);
      if (pointer == NULL) {
        state->failed_size = size;
        return;
      }
      *bytes_of(pointer) = (unsigned char)x;
      slots[slot] = pointer;
      checksum = (checksum + size) ^ x;
    }
  }
  state->x = x;
  state->checksum = checksum;
}

static void begin(const struct request *request, struct state *state) {
  begin_empty(request, state);
  for (uint32_t place = 0; place < 2 * request->working_set; place++) state->rows[place] = place * MOST_BLOCKS;
  generation(state, 0, 2 * request->working_set);
}

static void unit(const struct request *request, struct state *state) {
  const uint32_t objects = request->working_set;
  for (uint64_t operations = 0; operations < request->cycles; operations += 9 * objects) {
    generation(state, objects, objects);
    if (state->failed_size != 0) return;
    state->operations += 9 * objects;
  }
}

static void end(const struct request *request, struct state *state) {
  void **const slots = state->slots;
  for (uint32_t slot = 0; slot < 2 * request->working_set * MOST_BLOCKS; slot++) {
    if (slots[slot] != NULL) release(slots[slot]);
    slots[slot] = NULL;
  }
}

const struct workload mstress = {.name = "mstress",
                                 .begin = begin,
                                 .unit = unit,
                                 .end = end,
                                 .slots_per_working_set = 2 * MOST_BLOCKS,
                                 .crossing = SUCCESSORS};
