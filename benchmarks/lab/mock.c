// An upstream that speaks OpenAI's chat dialect and costs next to nothing: one epoll thread.
//
//   mock PORT
//
// The request's body says what is answered, to a POST on any path:
//   "stream":true absent      about 1 KB of JSON with a usage object
//   "stream":true             200 content chunks, a finish chunk, a usage chunk, [DONE];
//     model with "paced"      one chunk every 20 ms, as a model writes
//     model with "blob"       the whole stream in one send
//     any other model         one send a chunk, back to back
//
// A content chunk is `wNNNN@<monotonic microseconds, 14 digits> `, so load.c sees loss, a wrong
// order and the time a chunk took, through any relay on the same machine.
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

enum { CHUNK_COUNT = 200, PACE_US = 20000, FD_COUNT_MAX = 16384, EVENT_BYTES_MAX = 4096 };
enum stream { NO_STREAM, BACK_TO_BACK, PACED };

typedef struct conn {
  int fd; // -1: closed, waiting to leave the list of paced streams
  char *in;
  size_t in_len, in_cap;
  char *out;
  size_t out_len, out_sent, out_cap;
  int is_blocked; // the socket takes no more; EPOLLOUT is awaited
  enum stream stream;
  int chunk_index;
  uint64_t due_us;
  int is_listed;
  struct conn *next_paced;
} conn;

static conn *conns[FD_COUNT_MAX];
static conn *paced;
static int epoll_fd;
static unsigned long stream_count;
static char whole_answer[4096];
static size_t whole_answer_len;

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

// ---- what is said

#define CHUNK_HEAD                                                                                         \
  "data: {\"id\":\"chatcmpl-mock0123456789\",\"object\":\"chat.completion.chunk\",\"created\":1700000000," \
  "\"model\":\"mock-model\",\"system_fingerprint\":\"fp_mock\",\"choices\":["
#define USAGE                                                                              \
  "\"usage\":{\"prompt_tokens\":17,\"completion_tokens\":%d,\"total_tokens\":%d,"          \
  "\"prompt_tokens_details\":{\"cached_tokens\":3,\"audio_tokens\":0},"                    \
  "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"              \
  "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}"

static size_t frame(char *to, const char *event, int length) { return sprintf(to, "%x\r\n%s\r\n", length, event); }

static size_t write_content(char *to, int index) {
  char event[EVENT_BYTES_MAX / 2];
  int n = snprintf(event, sizeof event,
                   CHUNK_HEAD "{\"index\":0,\"delta\":{%s\"content\":\"w%04d@%014llu \"},\"logprobs\":null,"
                              "\"finish_reason\":null}]}\n\n",
                   index == 0 ? "\"role\":\"assistant\"," : "", index, (unsigned long long)now_us());
  return frame(to, event, n);
}

static size_t write_end(char *to) {
  char event[EVENT_BYTES_MAX / 2];
  int n = snprintf(event, sizeof event,
                   CHUNK_HEAD "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n" CHUNK_HEAD
                              "]," USAGE "}\n\ndata: [DONE]\n\n",
                   CHUNK_COUNT, CHUNK_COUNT + 17);
  n = frame(to, event, n);
  return n + sprintf(to + n, "0\r\n\r\n");
}

static void write_whole_answer(void) {
  char text[1024], body[3000];
  size_t n = 0;
  while (n < 560) n += sprintf(text + n, "lorem%03zu ipsum ", n);
  int length = snprintf(body, sizeof body,
                        "{\"id\":\"chatcmpl-mock0123456789\",\"object\":\"chat.completion\",\"created\":1700000000,"
                        "\"model\":\"mock-model\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                        "\"content\":\"%s\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}]," USAGE
                        ",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_mock\"}",
                        text, CHUNK_COUNT, CHUNK_COUNT + 17);
  whole_answer_len = snprintf(whole_answer, sizeof whole_answer,
                              "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_mock\r\n"
                              "Content-Length: %d\r\n\r\n%s",
                              length, body);
}

// ---- sending

static void await(conn *c, int is_blocked) {
  struct epoll_event ev = {.events = is_blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.fd = c->fd};
  if (c->is_blocked != is_blocked) epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
  c->is_blocked = is_blocked;
}

static void put(conn *c, const char *data, size_t n) {
  if (c->out_len + n > c->out_cap) {
    c->out_cap = (c->out_len + n) * 2;
    c->out = realloc(c->out, c->out_cap);
  }
  memcpy(c->out + c->out_len, data, n);
  c->out_len += n;
}

// Each of these returns -1 where the connection is lost, else 0.
static int flush(conn *c) {
  while (c->out_sent < c->out_len) {
    ssize_t n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) return await(c, 1), 0;
    if (n < 0) return -1;
    c->out_sent += n;
  }
  c->out_sent = c->out_len = 0;
  return await(c, 0), 0;
}

static void put_next_chunk(conn *c) {
  char event[EVENT_BYTES_MAX];
  put(c, event, c->chunk_index < CHUNK_COUNT ? write_content(event, c->chunk_index) : write_end(event));
  if (c->chunk_index++ == CHUNK_COUNT) c->stream = NO_STREAM;
}

static int stream_back_to_back(conn *c) {
  while (c->stream && !c->is_blocked) {
    put_next_chunk(c);
    if (flush(c) < 0) return -1;
  }
  return 0;
}

static void start_paced(conn *c) {
  c->stream = PACED;
  // Prime steps spread the phases: a thousand streams must not tick together.
  c->due_us = now_us() + (stream_count * 7919) % PACE_US;
  if (c->is_listed) return;
  c->is_listed = 1;
  c->next_paced = paced;
  paced = c;
}

static int contains(const char *body, size_t n, const char *word) { // in the first or last 2 KB of a long body
  if (n <= 4096) return memmem(body, n, word, strlen(word)) != NULL;
  return memmem(body, 2048, word, strlen(word)) || memmem(body + n - 2048, 2048, word, strlen(word));
}

static int answer(conn *c, const char *body, size_t n) {
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                             "Cache-Control: no-cache\r\nx-request-id: req_mock\r\nTransfer-Encoding: chunked\r\n\r\n";
  if (!contains(body, n, "\"stream\":true") && !contains(body, n, "\"stream\": true")) {
    put(c, whole_answer, whole_answer_len);
    return flush(c);
  }
  stream_count++;
  put(c, head, sizeof head - 1);
  c->chunk_index = 0;
  c->stream = BACK_TO_BACK;
  if (contains(body, n, "blob"))
    while (c->stream) put_next_chunk(c);
  else if (contains(body, n, "paced"))
    start_paced(c);
  else
    return stream_back_to_back(c);
  return flush(c);
}

// ---- receiving

// Return the length of the whole request at the start of the input, 0 while it is not all there.
static size_t whole_request(conn *c, size_t *head_len) {
  c->in[c->in_len] = 0;
  char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
  if (!end) return 0;
  *head_len = end + 4 - c->in;
  *end = 0;
  char *length = strcasestr(c->in, "\r\ncontent-length:");
  int is_chunked = strcasestr(c->in, "\r\ntransfer-encoding: chunked") != NULL;
  size_t total = *head_len + (length ? atol(length + 17) : 0);
  *end = '\r';
  // A chunked request is the only one on its connection until it is answered: its end is the input's end.
  if (is_chunked) return memcmp(c->in + c->in_len - 5, "0\r\n\r\n", 5) ? 0 : c->in_len;
  return c->in_len < total ? 0 : total;
}

static int answer_requests(conn *c) {
  size_t head_len, total;
  while (!c->stream && c->in_len && (total = whole_request(c, &head_len))) {
    int lost = answer(c, c->in + head_len, total - head_len);
    memmove(c->in, c->in + total, c->in_len - total);
    c->in_len -= total;
    if (lost < 0) return -1;
  }
  return 0;
}

static int receive(conn *c) {
  for (;;) {
    if (c->in_cap - c->in_len < 8192) c->in = realloc(c->in, c->in_cap *= 2);
    ssize_t n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len - 1, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) return -1;
    if (n > 0) c->in_len += n;
    if (n < 0 || c->in_cap - c->in_len > 1) return answer_requests(c); // a short read has drained the socket
  }
}

// ---- connections

static void release(conn *c) {
  free(c->in);
  free(c->out);
  free(c);
}

static void hang_up(conn *c) {
  close(c->fd);
  conns[c->fd] = NULL;
  c->fd = -1;
  if (!c->is_listed) release(c);
}

static void accept_all(int listener) {
  int fd, one = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (fd >= FD_COUNT_MAX) {
      close(fd);
      continue;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    conn *c = calloc(1, sizeof *c);
    c->fd = fd;
    c->in = malloc(c->in_cap = 16384);
    conns[fd] = c;
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
  }
}

static void serve(conn *c, uint32_t events) {
  int lost = 0;
  if (events & EPOLLOUT) lost = flush(c) < 0 || (c->stream == BACK_TO_BACK && stream_back_to_back(c) < 0);
  if (!lost && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) lost = receive(c) < 0;
  if (lost) hang_up(c);
}

static void send_due_chunks(void) {
  uint64_t now = now_us();
  for (conn **at = &paced; *at;) {
    conn *c = *at;
    int lost = 0;
    if (c->fd >= 0 && c->stream == PACED && now >= c->due_us) {
      put_next_chunk(c);
      c->due_us += PACE_US;
      lost = flush(c) < 0;
    }
    if (c->fd >= 0 && c->stream && !lost) {
      at = &c->next_paced;
      continue;
    }
    *at = c->next_paced;
    c->is_listed = 0;
    if (c->fd < 0)
      release(c);
    else if (lost || answer_requests(c) < 0)
      hang_up(c);
  }
}

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: mock PORT\n"), 2;
  signal(SIGPIPE, SIG_IGN);
  write_whole_answer();
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) return perror("mock"), 1;
  epoll_fd = epoll_create1(0);
  struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener}, events[512];
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &ev);
  for (;;) {
    int n = epoll_wait(epoll_fd, events, 512, paced ? 1 : -1);
    for (int i = 0; i < n; i++) {
      if (events[i].data.fd == listener)
        accept_all(listener);
      else if (conns[events[i].data.fd])
        serve(conns[events[i].data.fd], events[i].events);
    }
    if (paced) send_due_chunks();
  }
}
