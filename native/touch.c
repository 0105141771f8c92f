/* touch.h as a library: for a program in Deno whose blocks are libc's, and which has no view of them. */
#include "touch.h"

void hakmem_touch(uint64_t address, uint32_t size, uint32_t byte) {
  touch((void *)(uintptr_t)address, size, (uint8_t)byte);
}

uint32_t hakmem_differs(uint64_t address, uint32_t size, uint32_t byte) {
  return differs((const void *)(uintptr_t)address, size, (uint8_t)byte);
}
