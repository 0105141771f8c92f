/*
 * What a recorder may miss, by the first argument:
 *
 *     kids            asks for nothing itself; 20 children make 5 blocks of 24 bytes each
 *     strict, filter  makes a block, goes into a sandbox, which kills for all but a few calls, and makes 50,000 of 24 bytes
 *     hidden          the same, and no function of libc says so
 *     files, length   may open no file, or write no long one, before its first block; then the same
 *     cleared         a child becomes `true` without any variable
 *     user            a child makes blocks as another user
 *     start ARGS      a child becomes the program ARGS; this one may be linked statically
 *     daemon          a child waits until it is killed, having asked for nothing; prints its number
 *     folder FILE     makes a folder FILE and one FILE.PID, then 10 blocks
 *     nap             sleeps 20 ms
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 50000, BYTES = 24, NOBODY = 65534 };

static void make(int blocks) {
  for (; blocks > 0; blocks--) {
    void *volatile block = malloc(BYTES);
    free(block);
  }
}

#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int confine(int is_hidden) {
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      ALLOW(SYS_exit_group),
      ALLOW(SYS_brk),
      ALLOW(SYS_mmap),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
  if (is_hidden) syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  else prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static int is_child(void) {
  const pid_t child = fork();
  if (child > 0) waitpid(child, NULL, 0);
  return child == 0;
}

int main(int count, char **arguments) {
  const char *what = count > 1 ? arguments[1] : "";
  const struct rlimit few = {3, 3}, little = {1000, 1000};
  char *const none[] = {NULL}, *const only[] = {"true", NULL};
  if (strcmp(what, "kids") == 0) {
    for (int left = 20; left > 0; left--) {
      if (!is_child()) continue;
      make(5);
      _exit(0);
    }
    return 0;
  }
  if (strcmp(what, "strict") == 0 || strcmp(what, "filter") == 0 || strcmp(what, "hidden") == 0) make(1);
  if (strcmp(what, "strict") == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) return 77;
  if (strcmp(what, "filter") == 0 && confine(0) != 0) return 77;
  if (strcmp(what, "hidden") == 0 && confine(1) != 0) return 77;
  if (strcmp(what, "files") == 0) setrlimit(RLIMIT_NOFILE, &few);
  if (strcmp(what, "length") == 0) setrlimit(RLIMIT_FSIZE, &little);
  if (strcmp(what, "cleared") == 0 && is_child()) {
    execve("/bin/true", only, none);
    _exit(1);
  }
  if (strcmp(what, "user") == 0) {
    if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0) return 77;
    if (is_child()) make(5);
  }
  if (strcmp(what, "start") == 0 && is_child()) {
    execvp(arguments[2], arguments + 2);
    _exit(1);
  }
  if (strcmp(what, "daemon") == 0) {
    const pid_t child = fork();
    if (child == 0) {
      for (;;) pause();
    }
    dprintf(3, "%d", child);
  }
  if (strcmp(what, "folder") == 0) {
    char own[4096];
    snprintf(own, sizeof own, "%s.%d", arguments[2], getpid());
    mkdir(arguments[2], 0700);
    mkdir(own, 0700);
  }
  if (strcmp(what, "nap") == 0) usleep(20000);
  make(strcmp(what, "folder") == 0 ? 10 : MANY);
  if (strcmp(what, "strict") == 0) syscall(SYS_exit, 0);
  return 0;
}
