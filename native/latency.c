/*
 * latency.h as a library: a program in Deno times its operations by two calls around each, of functions that V8 calls
 * without leaving its compiled code. And V8's traces are read as they are written: its text goes to C's stdout, which is a
 * stream of ours from hakmem_latency_read_traces on; so none of it gets between the answers of the process, whose writes do not
 * use that stream.
 *
 * Linux with glibc; elsewhere collector and compiler are not known.
 */
#define _GNU_SOURCE

#include <fcntl.h>

#include "latency.h"

#if defined(__GLIBC__)

/*
 * A line of a trace. The collector's are written when it has done a part of its work, the compilers' when they begin on
 * the thread, when they hand over, and when the code is there; and in all of them the thread is V8's first.
 */
static ssize_t read_trace(void *cookie, const char *text, size_t length) {
  (void)cookie;
  const uint64_t now = latency_ticks();
  if (memmem(text, length, " ms: ", 5) != NULL) latency.collected_at = now;
  else if (memmem(text, length, "compil", 6) != NULL || memmem(text, length, "optimiz", 7) != NULL) latency.compiled_at = now;
  return (ssize_t)length;
}

int32_t hakmem_latency_read_traces(void) {
  static char buffer[BUFSIZ];
  FILE *const stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = read_trace});
  if (stream == NULL) return 0;
  setvbuf(stream, buffer, _IOLBF, sizeof buffer); /* a line at a time: so it is stamped when it is written */
  __fpurge(stdout); /* what V8 wrote before */
  /* Of the compilers V8 keeps the stream that was C's stdout when they first wrote: from now on that leads nowhere. */
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) stdout->_fileno = nowhere;
  stdout = stream;
  return 1;
}

#else

int32_t hakmem_latency_read_traces(void) { return 0; }

#endif

int32_t hakmem_latency_open(const uint8_t *kinds, uint32_t events) { return latency_open(kinds, events); }

/* From now on each event of the latest replay is kept there, too, for bench/tail.ts; nowhere, for NULL. */
void hakmem_latency_keep_each(uint32_t *by_event) { latency.each = by_event; }

void hakmem_latency_forget(void) { latency_forget(); }

void hakmem_latency_batch(uint32_t replay, uint32_t replays) { latency_batch(replay, replays); }

void hakmem_latency_replay(uint32_t mode) { latency_replay((enum latency_mode)mode); }

void hakmem_latency_begin(void) { latency_begin(); }

uint32_t hakmem_latency_end(void) { return latency_end(); }

void hakmem_latency_empty(void) { latency_empty(); }

/* Operations that are expected, and were not there. */
uint32_t hakmem_latency_missing(void) { return latency.events - latency.event; }

int32_t hakmem_latency_answer(char *text, uint32_t capacity) { return latency_answer(text, (int)capacity); }

/* For the tests: TypeScript has the same layout (src/measure/latency.ts). */
uint32_t hakmem_latency_bucket(uint64_t ticks) { return latency_bucket(ticks); }
