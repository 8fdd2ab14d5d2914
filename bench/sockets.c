/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets between two threads, timed from inside: prints the median of several batches.
 *
 *   sockets pingpong unix|tcp|udp   nanoseconds for a byte to another thread and one back
 *   sockets bulk unix|tcp           MB/s of 64 KiB sends to a thread that receives them
 *   sockets connect unix|tcp        nanoseconds to connect, accept and close both ends
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 21
#define CHUNK 65536
#define BULK (64L << 20)

static int near_fd, far_fd, listener;
static struct sockaddr_storage where;
static socklen_t where_len;
static int family;

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void listen_somewhere(void)
{
    struct sockaddr_in *in = (void *)&where;
    struct sockaddr_un *un = (void *)&where;

    where.ss_family = (sa_family_t)family;
    where_len = sizeof(*in);
    in->sin_family = (sa_family_t)family;
    if (family == AF_INET)
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        where_len = (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1 +
                    (socklen_t)sprintf(un->sun_path + 1, "cella-bench-%d", getpid());
    listener = socket(family, SOCK_STREAM, 0);
    if (bind(listener, (void *)&where, where_len) || listen(listener, 64))
        die("listen");
    if (family == AF_INET && getsockname(listener, (void *)&where, &where_len))
        die("getsockname");
}

static void connect_pair(void)
{
    int on = 1;

    near_fd = socket(family, SOCK_STREAM, 0);
    if (connect(near_fd, (void *)&where, where_len))
        die("connect");
    far_fd = accept(listener, NULL, NULL);
    if (far_fd < 0)
        die("accept");
    if (family == AF_INET) {
        setsockopt(near_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(far_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
}

static void udp_pair(void)
{
    int *fd[2] = {&near_fd, &far_fd};
    struct sockaddr_in a[2] = {{.sin_family = AF_INET}, {.sin_family = AF_INET}};

    for (int i = 0; i < 2; i++) {
        socklen_t len = sizeof(a[i]);
        a[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        *fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
        if (bind(*fd[i], (void *)&a[i], len) || getsockname(*fd[i], (void *)&a[i], &len))
            die("bind");
    }
    if (connect(near_fd, (void *)&a[1], sizeof(a[1])) ||
        connect(far_fd, (void *)&a[0], sizeof(a[0])))
        die("connect");
}

static void *answer(void *arg)
{
    char c;

    while (recv(far_fd, &c, 1, 0) == 1 && send(far_fd, &c, 1, 0) == 1)
        ;
    return arg;
}

static void *sink(void *arg)
{
    static char buf[CHUNK];
    char c = 0;

    for (;;) {
        for (long got = 0; got < BULK;) {
            ssize_t n = recv(far_fd, buf, sizeof(buf), 0);
            if (n <= 0)
                return arg;
            got += n;
        }
        if (send(far_fd, &c, 1, 0) != 1)
            return arg;
    }
}

static double pingpong(long count)
{
    double start = now();
    char c = 'x';

    for (long i = 0; i < count; i++)
        if (send(near_fd, &c, 1, 0) != 1 || recv(near_fd, &c, 1, 0) != 1)
            die("ping-pong");
    return (now() - start) / (double)count;
}

static double bulk(long count)
{
    static char buf[CHUNK];
    double start = now();
    char c;

    (void)count;
    for (long sent = 0; sent < BULK;) {
        ssize_t n = send(near_fd, buf, sizeof(buf), 0);
        if (n <= 0)
            die("send");
        sent += n;
    }
    if (recv(near_fd, &c, 1, 0) != 1)
        die("recv");
    return (double)BULK * 1e3 / (now() - start);
}

static double connects(long count)
{
    double start = now();

    for (long i = 0; i < count; i++) {
        connect_pair();
        close(far_fd); /* the accepted end waits in TIME_WAIT on Linux, not the port it came from */
        close(near_fd);
    }
    return (now() - start) / (double)count;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void measure(double (*run)(long), long count, int batches)
{
    double results[BATCHES];

    run(count);
    for (int i = 0; i < batches; i++)
        results[i] = run(count);
    qsort(results, (size_t)batches, sizeof(results[0]), compare);
    printf("%.2f\n", results[batches / 2]);
}

int main(int argc, char **argv)
{
    pthread_t thread;

    if (argc != 3) {
        fputs("usage: sockets pingpong|bulk|connect unix|tcp|udp\n", stderr);
        return 2;
    }
    family = strcmp(argv[2], "unix") ? AF_INET : AF_UNIX;
    if (strcmp(argv[2], "udp")) {
        listen_somewhere();
        connect_pair();
    } else {
        udp_pair();
    }
    if (!strcmp(argv[1], "pingpong")) {
        pthread_create(&thread, NULL, answer, NULL);
        measure(pingpong, 2000, BATCHES);
    } else if (!strcmp(argv[1], "bulk")) {
        pthread_create(&thread, NULL, sink, NULL);
        measure(bulk, 1, 7);
    } else {
        measure(connects, 200, BATCHES);
    }
    return 0;
}
