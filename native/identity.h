/* Which library serves this process's allocations; see identity.c. */
#pragma once

#include <stdbool.h>

/* Prints `ready`, and behind it what identity.c says of this process's allocator. */
void print_ready(void);

/* Whether malloc and posix_memalign are of the same library, so that one's free takes the other's blocks. */
bool aligns_itself(void);
