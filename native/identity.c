/*
 * Who really serves malloc in this process. LD_PRELOAD fails quietly: a path that does not exist, another architecture
 * or a library without the symbols leave the C library's allocator in place, and its speed would be taken for
 * another's. So the program says on its first line what it is measured with, and the coordinator compares
 * (src/lab/contest/identity.ts):
 *
 *     ready malloc=/usr/lib/x86_64-linux-gnu/libmimalloc.so.2 free=... calloc=... realloc=... posix_memalign=...
 *           aligned_alloc=... fgets=/lib/x86_64-linux-gnu/libc.so.6 name=mimalloc version=2.0.9 owned=yes
 *
 * Each of these is the library which holds the function that this program calls by that name; the one of fgets, which no
 * allocator brings, is the C library. `name` is which allocator the library of malloc is, by a function that only this one
 * has, and `version` what it says of itself by such a function; each is absent if it has none. `owned` is whether that library
 * knows a block that malloc gave as its own: yes, no, or unknown where it has no function that would tell. Spaces, %, = and what
 * is not ASCII are written as %XX.
 *
 * Linux only (glibc or musl); elsewhere the line is `ready` alone.
 */
#if defined(__linux__)
#define _GNU_SOURCE /* RTLD_NEXT and dladdr */
#endif

#include "identity.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__linux__)
#include <dlfcn.h>
#include <string.h>

typedef void (*function)(void);

static const struct {
  const char *name;
  function called;
} family[] = {
    {"malloc", (function)malloc},
    {"free", (function)free},
    {"calloc", (function)calloc},
    {"realloc", (function)realloc},
    {"posix_memalign", (function)posix_memalign},
    {"aligned_alloc", (function)aligned_alloc},
    {"fgets", (function)fgets},
};
enum { MALLOC = 0, FUNCTIONS = sizeof family / sizeof *family };

/* POSIX has both kinds of pointers look alike; ISO C has no cast for it. */
static void *address_of(function called) {
  void *address;
  memcpy(&address, &called, sizeof address);
  return address;
}

static Dl_info object_of(void *address) {
  Dl_info info = {0};
  if (dladdr(address, &info) == 0) info.dli_fname = "";
  return info;
}

/* The object that a call of this function ends in. Where the program was not linked as PIE, its own address of a library's
 * function is that of a jump to it. */
static Dl_info object_of_function(size_t index) {
  const Dl_info info = object_of(address_of(family[index].called));
  const Dl_info program = object_of(address_of((function)print_ready));
  if (info.dli_fbase != program.dli_fbase) return info;
  return object_of(dlsym(RTLD_NEXT, family[index].name));
}

bool find_in_library(const char *name, void *target) {
  void *const address = dlsym(RTLD_NEXT, name);
  if (address == NULL || object_of(address).dli_fbase != object_of_function(MALLOC).dli_fbase) return false;
  memcpy(target, &address, sizeof address);
  return true;
}

static void print_word(const char *name, const char *text) {
  printf(" %s=", name);
  for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
    printf(*byte <= ' ' || *byte > '~' || *byte == '%' || *byte == '=' ? "%%%02X" : "%c", *byte);
  }
}

/* Which allocator it is, and its version if it tells. rpmalloc and snmalloc have no function for that, nor has scudo.
 * mimalloc numbers 2.0.9 as 209, and newer versions by five digits: 2.4.5 as 20405. */
static void print_name_and_version(void) {
  const char *name = NULL;
  void (*rpmalloc_initialize)(void);
  static char text[64];
  int (*mi_version)(void);
  int (*mallctl)(const char *, void *, size_t *, void *, size_t);
  const char *(*tc_version)(int *, int *, const char **);
  const char *(*gnu_get_libc_version)(void);
  if (find_in_library("mi_version", &mi_version)) {
    name = "mimalloc";
    const int number = mi_version(), base = number < 10000 ? 10 : 100;
    snprintf(text, sizeof text, "%d.%d.%d", number / (base * base), number / base % base, number % base);
  } else if (find_in_library("mallctl", &mallctl)) {
    const char *version = "";
    size_t size = sizeof version;
    name = "jemalloc";
    mallctl("version", &version, &size, NULL, 0);
    snprintf(text, sizeof text, "%.*s", (int)strcspn(version, "-"), version); /* 5.3.0-0-g54eaed1d8b56... */
  } else if (find_in_library("tc_version", &tc_version)) {
    int major = 0, minor = 0;
    const char *patch = "";
    name = "tcmalloc";
    tc_version(&major, &minor, &patch);
    snprintf(text, sizeof text, "%d.%d%s", major, minor, patch);
  } else if (find_in_library("gnu_get_libc_version", &gnu_get_libc_version)) {
    snprintf(text, sizeof text, "%s", gnu_get_libc_version());
  } else if (find_in_library("rpmalloc_initialize", &rpmalloc_initialize)) {
    name = "rpmalloc";
  }
  if (name != NULL) print_word("name", name);
  if (*text != '\0') print_word("version", text);
}

/* Whether the library that malloc is of knows a block as its own. */
static const char *owns(void *block, size_t bytes) {
  enum { TCMALLOC_UNKNOWN, TCMALLOC_OWNED };
  bool (*mi_is_in_heap_region)(const void *);
  int (*mallctl)(const char *, void *, size_t *, void *, size_t);
  int (*get_ownership)(const void *);
  size_t (*usable_size)(void *);
  if (find_in_library("mi_is_in_heap_region", &mi_is_in_heap_region)) return mi_is_in_heap_region(block) ? "yes" : "no";
  if (find_in_library("MallocExtension_GetOwnership", &get_ownership)) {
    const int ownership = get_ownership(block);
    return ownership == TCMALLOC_UNKNOWN ? "unknown" : ownership == TCMALLOC_OWNED ? "yes" : "no";
  }
  if (find_in_library("mallctl", &mallctl)) {
    unsigned arena;
    size_t size = sizeof arena;
    if (mallctl("arenas.lookup", &arena, &size, &block, sizeof block) == 0) return "yes";
  }
  if (find_in_library("malloc_usable_size", &usable_size)) return usable_size(block) >= bytes ? "yes" : "no";
  return "unknown";
}

bool brings(const char *name) {
  for (size_t i = 0; i < FUNCTIONS; i++) {
    if (strcmp(family[i].name, name) == 0) return object_of_function(i).dli_fbase == object_of_function(MALLOC).dli_fbase;
  }
  return false;
}

void print_ready(void) {
  enum { BYTES = 1000 };
  fputs("ready", stdout);
  for (size_t i = 0; i < FUNCTIONS; i++) print_word(family[i].name, object_of_function(i).dli_fname);
  print_name_and_version();
  void *volatile block = malloc(BYTES);
  print_word("owned", block == NULL ? "unknown" : owns(block, BYTES));
  free(block);
  putchar('\n');
}

#else

bool find_in_library(const char *name, void *target) {
  (void)name, (void)target;
  return false;
}

bool brings(const char *name) {
  (void)name;
  return true;
}

void print_ready(void) { puts("ready"); }

#endif
