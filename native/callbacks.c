/* Calls a function so many times, which is what bench/callbacks_bench.ts times: a call of JavaScript from C. */
#include <stdint.h>

typedef uint64_t (*function)(uint64_t, uint64_t, uint64_t, uint64_t);

/* The sum of what it gives, so that a wrong conversion shows. Those that take fewer arguments do not see the others. */
uint64_t call_often(function call, uint64_t count, uint64_t argument) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < count; i++) sum += call(argument, argument, argument, argument);
  return sum;
}
