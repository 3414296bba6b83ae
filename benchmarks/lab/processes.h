// CPU and memory of some processes and all their descendants, read from /proc.
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROCESS_COUNT_MAX = 8192, ROOT_COUNT_MAX = 16 };

static int root_count, roots[ROOT_COUNT_MAX];

static void count_process(int pid) {
  if (root_count < ROOT_COUNT_MAX) roots[root_count++] = pid;
}

typedef struct {
  int pid, parent, is_counted;
  unsigned long ticks;
  long pages;
} process;

static int read_process(const char *pid, process *p) {
  char path[300], text[1024];
  snprintf(path, sizeof path, "/proc/%s/stat", pid);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  unsigned long user, system;
  char *rest = strrchr(text, ')'); // the command's name before it may hold anything
  if (!rest || sscanf(rest + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %ld",
                      &p->parent, &user, &system, &p->pages) != 4)
    return 0;
  p->pid = atoi(pid);
  p->ticks = user + system;
  p->is_counted = 0;
  for (int i = 0; i < root_count; i++) p->is_counted |= roots[i] == p->pid;
  return 1;
}

static void count_descendants(process *all, int count) {
  for (int is_changed = 1; is_changed;) {
    is_changed = 0;
    for (int i = 0; i < count; i++)
      for (int j = 0; j < count && !all[i].is_counted; j++)
        if (all[j].is_counted && all[j].pid == all[i].parent) all[i].is_counted = is_changed = 1;
  }
}

// Return user and system time so far; pages that processes share are counted once for each.
static double used_cpu_us(double *memory_mb) {
  static process all[PROCESS_COUNT_MAX];
  int count = 0;
  DIR *folder = opendir("/proc");
  for (struct dirent *entry; (entry = readdir(folder)) && count < PROCESS_COUNT_MAX;)
    if (isdigit(entry->d_name[0])) count += read_process(entry->d_name, &all[count]);
  closedir(folder);
  count_descendants(all, count);
  double ticks = 0, pages = 0;
  for (int i = 0; i < count; i++)
    if (all[i].is_counted) ticks += all[i].ticks, pages += all[i].pages;
  *memory_mb = pages * sysconf(_SC_PAGESIZE) / 1e6;
  return ticks * 1e6 / sysconf(_SC_CLK_TCK);
}
