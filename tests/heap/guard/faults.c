/* What programs in C do wrong with a block, each in its own way of getting there. */
#include <stdio.h>
#include <string.h>

void write_at(char *block, int at) { ((volatile char *)block)[at] = 1; }

int read_at(char *block, int at) { return ((volatile char *)block)[at]; }

void fill_up_to(char *block, int end) { memset(block, 7, end); }

void print_up_to(char *block, int end) { snprintf(block, end + 1, "%*d", end, 1); }
