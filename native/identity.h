/* Which library serves this process's allocations; see identity.c. */
#pragma once

#include <stdbool.h>

/* Prints `ready`, and behind it what identity.c says of this process's allocator. */
void print_ready(void);

/* Whether malloc and another function of its family are of the same library, so that its free takes the other's blocks. */
bool brings(const char *name);

/* A function of the library that malloc is of; false if it has none of this name. `target` is a pointer to one. */
bool find_in_library(const char *name, void *target);
