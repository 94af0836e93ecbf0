/* The floor: what it costs to send a request and receive its answer, and nothing else.
 *
 *     floor HOST PORT REQUESTS COUNT SECONDS
 *
 * REQUESTS is a file of requests, each with its size in front (4 bytes, big-endian), which are sent in turn over
 * one blocking connection: one send, and receives until the answer is whole. That of a batch has any number of
 * frames, the last of which ends with a message of its own. Runs COUNT commands or, if COUNT is 0, for about
 * SECONDS, a fifth of that before it begins to count. Prints one line of JSON.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

enum {
    MAX_REQUESTS = 4096,
    ANSWER_SIZE = 16 * 1024,
    BATCH_ANSWER_SIZE = 1024 * 1024,
    FRAME_HEADER = 8,
    MESSAGE_HEADER = 22,
    INFO1_BATCH = 8,
    INFO3_LAST = 1
};

static const unsigned char *requests[MAX_REQUESTS];
static size_t sizes[MAX_REQUESTS];
static size_t request_count;
static unsigned char answer[BATCH_ANSWER_SIZE];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double wall_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_now(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void load(const char *path)
{
    FILE *file = fopen(path, "rb");
    unsigned char head[4];
    if (!file)
        die(path);
    while (request_count < MAX_REQUESTS && fread(head, 1, 4, file) == 4) {
        size_t size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        unsigned char *data = malloc(size);
        if (!data || fread(data, 1, size, file) != size)
            die("reading a request");
        requests[request_count] = data;
        sizes[request_count++] = size;
    }
    fclose(file);
    if (!request_count) {
        fprintf(stderr, "no requests in %s\n", path);
        exit(1);
    }
}

static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int one = 1, fd;
    if (getaddrinfo(host, port, &hints, &found)) {
        fprintf(stderr, "no such host: %s\n", host);
        exit(1);
    }
    fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen))
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    freeaddrinfo(found);
    return fd;
}

static size_t frame_end(size_t start)
{
    size_t size = 0;
    for (int b = 2; b < FRAME_HEADER; b++)
        size = size << 8 | answer[start + b];
    return start + FRAME_HEADER + size;
}

static int is_last(size_t end)
{
    const unsigned char *message = answer + end - MESSAGE_HEADER;
    return message[0] == MESSAGE_HEADER && message[3] & INFO3_LAST;
}

static void receive(int fd, int batch)
{
    size_t have = 0, start = 0, end = 0, room = batch ? BATCH_ANSWER_SIZE : ANSWER_SIZE;
    for (;;) {
        ssize_t n = recv(fd, answer + have, room - have, 0);
        if (n <= 0)
            die("recv");
        have += (size_t)n;
        while (have >= start + FRAME_HEADER) {
            end = frame_end(start);
            if (end > room) {
                fprintf(stderr, "an answer of %zu bytes\n", end);
                exit(1);
            }
            if (have < end)
                break;
            if (!batch || is_last(end))
                return;
            start = end;
        }
    }
}

static void run(int fd, long count)
{
    size_t at = 0;
    for (long i = 0; i < count; i++) {
        const unsigned char *request = requests[at];
        if (send(fd, request, sizes[at], MSG_NOSIGNAL) != (ssize_t)sizes[at])
            die("send");
        receive(fd, request[FRAME_HEADER + 1] & INFO1_BATCH);
        if (answer[13] != 0 && answer[13] != 2) {
            fprintf(stderr, "result code %d\n", answer[13]);
            exit(1);
        }
        if (++at == request_count)
            at = 0;
    }
}

int main(int argc, char **argv)
{
    long count, warm = 16;
    double seconds, began, wall, cpu;
    int fd;
    if (argc != 6) {
        fprintf(stderr, "usage: floor HOST PORT REQUESTS COUNT SECONDS\n");
        return 2;
    }
    load(argv[3]);
    count = atol(argv[4]);
    seconds = atof(argv[5]);
    fd = connect_to(argv[1], argv[2]);
    if (count == 0) {
        for (;;) {
            began = wall_now();
            run(fd, warm);
            wall = wall_now() - began;
            if (wall >= seconds / 5)
                break;
            warm *= 2;
        }
        count = (long)((double)warm / wall * seconds) + 1;
    } else {
        run(fd, count < warm ? count : warm);
    }
    cpu = cpu_now();
    began = wall_now();
    run(fd, count);
    wall = wall_now() - began;
    cpu = cpu_now() - cpu;
    printf("{\"count\": %ld, \"wall\": %.9f, \"cpu\": %.9f}\n", count, wall, cpu);
    close(fd);
    return 0;
}
