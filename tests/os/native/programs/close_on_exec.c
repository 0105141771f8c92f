/*
 * Linked with native/vm.c: prints how many files its functions have opened and closed again, and how many of those a
 * program would have got that another thread starts meanwhile. Here `close` is this one, and not libc's.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int32_t hakmem_holds(uint64_t address, uint32_t word);
int32_t hakmem_thread_start(int32_t id);
int64_t hakmem_resident_bytes(void);
int64_t hakmem_peak_resident_bytes(void);

static int closed, inherited;

int close(int file) {
  closed++;
  if ((fcntl(file, F_GETFD) & FD_CLOEXEC) == 0) inherited++;
  return (int)syscall(SYS_close, file);
}

int main(void) {
  uint32_t word = 7;
  const int right = hakmem_holds((uint64_t)(uintptr_t)&word, 7) == 1 && hakmem_holds((uint64_t)(uintptr_t)&word, 8) == 0 &&
                    hakmem_thread_start((int32_t)syscall(SYS_gettid)) > 0 && hakmem_resident_bytes() > 0 &&
                    hakmem_peak_resident_bytes() > 0;
  printf("%d %d %d\n", right, closed, inherited);
  return 0;
}
