/* Ten functions that call one another, and the last malloc: how much a stack of known depth costs, for bench/recorder.ts. */
#include <stdlib.h>

#define KEPT __attribute__((noinline, noclone))
#define CALLS(name, next)                \
  KEPT static void *name(size_t size) {  \
    void *volatile block = next(size);   \
    return block;                        \
  }

CALLS(call_1, malloc)
CALLS(call_2, call_1)
CALLS(call_3, call_2)
CALLS(call_4, call_3)
CALLS(call_5, call_4)
CALLS(call_6, call_5)
CALLS(call_7, call_6)
CALLS(call_8, call_7)
CALLS(call_9, call_8)
CALLS(call_10, call_9)

int main(int count, char **arguments) {
  const long turns = count > 1 ? atol(arguments[1]) : 1;
  for (long turn = 0; turn < turns; turn++) free(call_10(64));
  return 0;
}
