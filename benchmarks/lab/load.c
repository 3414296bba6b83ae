// Load and check a relay: one epoll thread, every answer read to its end, one JSON object printed.
//
//   load -p PORT [-s] [-M MODEL] [-b BODY_BYTES] [-c CONNECTIONS] [-r REQUESTS_PER_S]
//        [-w WARM_UP_S] [-d SECONDS] [-H "Header: value"]... [-k PID]...
//
//   -s  ask for streams     -r  fixed rate, times counted from when a request was due; else a closed loop
//   -k  count the CPU and memory of this process and its descendants; may be given several times
//
// It expects what mock.c sends: a whole answer holds its text and usage; a stream holds every chunk in
// order, the usage object and [DONE]. An answer that is not 200 is "failed", one that lacks something
// is "damaged"; with either above 0 the figures mean nothing. CPU is user and system time.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "processes.h"

enum { CHUNK_COUNT = 200, STAMP_BYTES = 21 };

static int port, is_stream, connection_count = 16;
static double rate, warm_up_s = 1, measured_s = 3;
static const char *model = "mock-model";
static char extra_headers[4096];
static size_t body_bytes = 400;

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

// ---- times seen

typedef struct {
  uint32_t *us;
  size_t count, cap;
} times;

static void note(times *t, uint64_t us) {
  if (t->count == t->cap) t->us = realloc(t->us, (t->cap = t->cap ? t->cap * 2 : 65536) * sizeof *t->us);
  t->us[t->count++] = us;
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static void print_times(const char *name, times *t) {
  qsort(t->us, t->count, sizeof *t->us, by_size);
  printf("\"%s_p50_us\":%u,\"%s_p99_us\":%u,", name, t->count ? t->us[t->count / 2] : 0, name,
         t->count ? t->us[(size_t)(t->count * 0.99)] : 0);
}

// ---- connections

enum framing { SIZE_LINE, CHUNK, CHUNK_END, TRAILER };

typedef struct {
  int fd; // -1 while closed
  int is_busy;
  size_t sent;
  uint64_t begun_us;
  char *in; // the head, then what of the body has no whole line yet
  size_t in_len, in_cap;
  int is_in_head, is_chunked, closes, status;
  long left; // of the body, or of the chunk; -1: until the connection ends
  enum framing framing;
  char size_line[64];
  int size_len;
  int next_index, has_usage, is_done, is_damaged, has_body;
} conn;

static conn *conns;
static int epoll_fd, is_measuring;
static char *request;
static size_t request_len;
static uint64_t started_us, end_us, due_count;
static int *idle, idle_count;
static uint64_t request_count, failed_count, damaged_count, chunk_count;
static times answer_times, first_byte_times, chunk_times;
static char first_problem[400];

static void watch(conn *c, int operation, uint32_t events) {
  struct epoll_event ev = {.events = events, .data.ptr = c};
  epoll_ctl(epoll_fd, operation, c->fd, &ev);
}

static void connect_to_relay(conn *c) {
  int one = 1;
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  connect(c->fd, (void *)&to, sizeof to);
  watch(c, EPOLL_CTL_ADD, EPOLLIN);
}

static void send_request(conn *c) {
  while (c->sent < request_len) {
    ssize_t n = send(c->fd, request + c->sent, request_len - c->sent, MSG_NOSIGNAL);
    if (n < 0) { // a lost connection is seen when it is read
      watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
      return;
    }
    c->sent += n;
  }
  watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static void begin(conn *c, uint64_t begun_us) {
  if (c->fd < 0) connect_to_relay(c);
  c->is_busy = c->is_in_head = 1;
  c->begun_us = begun_us;
  c->sent = c->in_len = c->size_len = 0;
  c->next_index = c->has_usage = c->is_done = c->is_damaged = c->has_body = 0;
  c->framing = SIZE_LINE;
  send_request(c);
}

static void disconnect(conn *c) {
  close(c->fd);
  c->fd = -1;
}

static void next_request(conn *c) {
  if (rate > 0)
    idle[idle_count++] = c - conns;
  else if (now_us() < end_us)
    begin(c, now_us());
}

static int is_whole(conn *c) {
  if (is_stream) return !c->is_damaged && c->next_index == CHUNK_COUNT && c->has_usage && c->is_done;
  return strstr(c->in, "\"total_tokens\"") && strstr(c->in, "lorem");
}

static void finish(conn *c, int is_broken) {
  int has_failed = is_broken || c->status != 200;
  if (c->in_cap) c->in[c->in_len] = 0;
  if (is_measuring && (has_failed || !is_whole(c))) {
    if (!first_problem[0])
      snprintf(first_problem, sizeof first_problem, "status %d, chunks %d, usage %d, done %d: %.200s", c->status,
               c->next_index, c->has_usage, c->is_done, c->in);
    *(has_failed ? &failed_count : &damaged_count) += 1;
  } else if (is_measuring) {
    request_count++;
    note(&answer_times, now_us() - c->begun_us);
  }
  c->is_busy = 0;
  if (is_broken || c->closes) disconnect(c);
  next_request(c);
}

// ---- reading answers

static void keep(conn *c, const char *data, size_t n) {
  if (c->in_len + n + 1 > c->in_cap) c->in = realloc(c->in, c->in_cap = (c->in_len + n + 1) * 2);
  memcpy(c->in + c->in_len, data, n);
  c->in_len += n;
  c->in[c->in_len] = 0;
}

static void read_line(conn *c, char *line, uint64_t now) {
  if (strncmp(line, "data:", 5)) return;
  if (strstr(line, "[DONE]")) c->is_done = 1;
  char *at = strstr(line, "\"content\":");
  if (at) at += strspn(at + 10, " \"") + 10;
  for (; at && *at == 'w'; at += STAMP_BYTES) { // a relay may join chunks in one event
    uint64_t sent_us = strtoull(at + 6, NULL, 10);
    if (atoi(at + 1) != c->next_index++) c->is_damaged = 1;
    if (is_measuring) chunk_count++, note(&chunk_times, now > sent_us ? now - sent_us : 0);
  }
  if ((at = strstr(line, "\"total_tokens\":")) && atoi(at + 15) == CHUNK_COUNT + 17) c->has_usage = 1;
}

static void read_body(conn *c, const char *data, size_t n, uint64_t now) {
  if (!c->has_body && is_measuring) note(&first_byte_times, now - c->begun_us);
  c->has_body = 1;
  keep(c, data, n);
  if (!is_stream || c->status != 200) return;
  char *line = c->in, *end;
  while ((end = memchr(line, '\n', c->in + c->in_len - line))) {
    *end = 0;
    read_line(c, line, now);
    line = end + 1;
  }
  c->in_len -= line - c->in;
  memmove(c->in, line, c->in_len);
}

// Take the head if it is all there; return how many of the *n* bytes belonged to it, or 0.
static size_t read_head(conn *c, const char *data, size_t n) {
  size_t before = c->in_len;
  keep(c, data, n);
  char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
  if (!end) return 0;
  end[2] = 0;
  char *length = strcasestr(c->in, "\r\ncontent-length:");
  c->status = atoi(c->in + 9);
  c->is_chunked = strcasestr(c->in, "\r\ntransfer-encoding: chunked") != NULL;
  c->closes = strcasestr(c->in, "\r\nconnection: close") != NULL;
  c->left = c->is_chunked ? 0 : length ? atol(length + 17) : -1;
  c->is_in_head = c->in_len = 0;
  return end + 4 - c->in - before;
}

// Take one byte of the framing between chunks; return whether it ended the answer.
static int read_framing(conn *c, char byte) {
  if (byte != '\n') {
    if (c->size_len < 60) c->size_line[c->size_len++] = byte;
    return 0;
  }
  c->size_line[c->size_len] = 0;
  int is_blank = c->size_len == 0 || c->size_line[0] == '\r';
  c->size_len = 0;
  if (c->framing == TRAILER) return is_blank;
  if (c->framing == SIZE_LINE) c->left = strtol(c->size_line, NULL, 16);
  c->framing = c->framing == CHUNK_END ? SIZE_LINE : c->left ? CHUNK : TRAILER;
  return 0;
}

// Return whether the answer has ended.
static int read_answer(conn *c, const char *data, size_t n, uint64_t now) {
  if (c->is_in_head) {
    size_t used = read_head(c, data, n);
    if (!used) return 0;
    data += used, n -= used;
  }
  while (n) {
    if (c->is_chunked && c->framing != CHUNK) {
      n--;
      if (read_framing(c, *data++)) return 1;
      continue;
    }
    size_t part = c->left >= 0 && (long)n > c->left ? (size_t)c->left : n;
    read_body(c, data, part, now);
    data += part, n -= part;
    if (c->left > 0 && (c->left -= part) == 0) {
      if (!c->is_chunked) return 1;
      c->framing = CHUNK_END;
    }
  }
  return !c->is_chunked && c->left == 0;
}

static void serve(conn *c, uint32_t events, uint64_t now) {
  static char buffer[262144];
  if (c->fd < 0) return;
  if (events & EPOLLOUT) send_request(c);
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (!c->is_busy) {
    if (n <= 0) disconnect(c);
  } else if (n > 0) {
    if (read_answer(c, buffer, n, now)) finish(c, 0);
  } else {
    c->closes = 1;
    finish(c, n < 0 || c->is_in_head || c->is_chunked || c->left >= 0);
  }
}

// ---- the run

static void make_request(void) {
  char *body = malloc(body_bytes + 1024);
  size_t n = sprintf(body,
                     "{\"model\":\"%s\",\"max_tokens\":512,\"temperature\":0.7,%s\"messages\":[{\"role\":\"system\","
                     "\"content\":\"You are a helpful assistant.\"},{\"role\":\"user\",\"content\":\"",
                     model, is_stream ? "\"stream\":true,\"stream_options\":{\"include_usage\":true}," : "");
  while (n + 16 < body_bytes) n += sprintf(body + n, "word%04zu text\\n ", n % 9999);
  n += sprintf(body + n, "\"}]}");
  request = malloc(n + sizeof extra_headers + 512);
  request_len = sprintf(request,
                        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                        "Accept: */*\r\n%sContent-Length: %zu\r\n\r\n",
                        port, extra_headers, n);
  memcpy(request + request_len, body, n);
  request_len += n;
  free(body);
}

static void read_arguments(int argc, char **argv) {
  for (int option; (option = getopt(argc, argv, "p:sM:b:c:r:w:d:H:k:")) != -1;) switch (option) {
      case 'p': port = atoi(optarg); break;
      case 's': is_stream = 1; break;
      case 'M': model = optarg; break;
      case 'b': body_bytes = atol(optarg); break;
      case 'c': connection_count = atoi(optarg); break;
      case 'r': rate = atof(optarg); break;
      case 'w': warm_up_s = atof(optarg); break;
      case 'd': measured_s = atof(optarg); break;
      case 'H': strcat(strcat(extra_headers, optarg), "\r\n"); break;
      case 'k': count_process(atoi(optarg)); break;
      default: exit(2);
    }
}

// Begin what is due; return how long to sleep until the next is, in microseconds.
static uint64_t begin_due(uint64_t now, int *begun_count) {
  if (rate > 0) {
    uint64_t due;
    while ((due = started_us + (uint64_t)(due_count * 1e6 / rate)) <= now && idle_count) {
      due_count++;
      begin(&conns[idle[--idle_count]], due);
    }
    return due > now ? due - now : 1000;
  }
  // Streams begin over half the warm-up, so that they do not all end together.
  double span_us = is_stream ? warm_up_s * 0.5e6 : 1e5;
  double share = (now - started_us) / span_us;
  int wanted = share >= 1 ? connection_count : (int)(connection_count * share) + 1;
  while (*begun_count < wanted && *begun_count < connection_count) begin(&conns[(*begun_count)++], now_us());
  return *begun_count < connection_count ? 1000 : 100000;
}

static void print_report(double seconds, double cpu_us, double memory_mb) {
  for (char *p = first_problem; *p; p++)
    if (*p == '"' || *p == '\\' || (unsigned char)*p < 32 || (unsigned char)*p > 126) *p = '\'';
  printf("{\"seconds\":%.3f,\"request_count\":%lu,\"failed_count\":%lu,\"damaged_count\":%lu,\"chunk_count\":%lu,"
         "\"cpu_us\":%.0f,\"memory_mb\":%.1f,",
         seconds, request_count, failed_count, damaged_count, chunk_count, cpu_us, memory_mb);
  print_times("answer", &answer_times);
  print_times("first_byte", &first_byte_times);
  print_times("chunk", &chunk_times);
  printf("\"first_problem\":\"%s\"}\n", first_problem);
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  read_arguments(argc, argv);
  make_request();
  epoll_fd = epoll_create1(0);
  conns = calloc(connection_count, sizeof *conns);
  idle = calloc(connection_count, sizeof *idle);
  for (int i = 0; i < connection_count; i++) conns[i].fd = -1, idle[idle_count++] = i;
  double cpu_us = 0, memory_mb;
  int begun_count = 0;
  started_us = now_us();
  uint64_t measured_us = started_us + warm_up_s * 1e6;
  end_us = measured_us + measured_s * 1e6;
  for (uint64_t now; (now = now_us()) < end_us;) {
    if (!is_measuring && now >= measured_us) {
      cpu_us = used_cpu_us(&memory_mb);
      is_measuring = 1;
      measured_us = now;
    }
    uint64_t sleep_us = begin_due(now, &begun_count);
    struct timespec sleep = {sleep_us / 1000000, sleep_us % 1000000 * 1000};
    struct epoll_event events[512];
    int n = epoll_pwait2(epoll_fd, events, 512, &sleep, NULL);
    now = now_us();
    for (int i = 0; i < n; i++) serve(events[i].data.ptr, events[i].events, now);
  }
  cpu_us = used_cpu_us(&memory_mb) - cpu_us;
  print_report((now_us() - measured_us) / 1e6, cpu_us, memory_mb);
}
