/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen threads echo over TCP and AF_UNIX at the same time; every byte comes back. */
#include "check.h"
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PAIRS 8
#define ROUNDS 150

static int tcp_listener, unix_listener;
static struct sockaddr_in tcp_name = {.sin_family = AF_INET};
static struct sockaddr_un unix_name = {.sun_family = AF_UNIX};
static socklen_t unix_len;

static int write_all(int fd, const char *buf, size_t n)
{
    while (n) {
        ssize_t done = send(fd, buf, n, MSG_NOSIGNAL);
        if (done <= 0)
            return -1;
        buf += done;
        n -= (size_t)done;
    }
    return 0;
}

static void *server(void *arg)
{
    int fd = accept(arg ? unix_listener : tcp_listener, NULL, NULL);
    char buf[5000];
    ssize_t n;

    while (fd >= 0 && (n = recv(fd, buf, sizeof(buf), 0)) > 0)
        if (write_all(fd, buf, (size_t)n))
            return (void *)1;
    close(fd);
    return fd < 0 ? (void *)1 : NULL;
}

static void *client(void *arg)
{
    int fd = socket(arg ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    char out[3000], in[3000];

    if (arg ? connect(fd, (void *)&unix_name, unix_len)
            : connect(fd, (void *)&tcp_name, sizeof(tcp_name)))
        return (void *)1;
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t n = 1 + i * 997 % sizeof(out);
        memset(out, (int)i, n);
        if (write_all(fd, out, n) || recv(fd, in, n, MSG_WAITALL) != (ssize_t)n ||
            memcmp(in, out, n) != 0)
            return (void *)1;
    }
    close(fd);
    return NULL;
}

int main(void)
{
    pthread_t t[2 * PAIRS];
    socklen_t len = sizeof(tcp_name);
    int bad = 0;

    tcp_name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    tcp_listener = socket(AF_INET, SOCK_STREAM, 0);
    check_ok(bind(tcp_listener, (void *)&tcp_name, sizeof(tcp_name)));
    check_ok(getsockname(tcp_listener, (void *)&tcp_name, &len));
    check_ok(listen(tcp_listener, 1));
    snprintf(unix_name.sun_path + 1, 40, "cella-stress-%d", getpid());
    unix_len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(unix_name.sun_path + 1));
    unix_listener = socket(AF_UNIX, SOCK_STREAM, 0);
    check_ok(bind(unix_listener, (void *)&unix_name, unix_len));
    check_ok(listen(unix_listener, 1));
    for (int i = 0; i < PAIRS; i++) {
        void *kind = i % 2 ? (void *)1 : NULL;
        need(!pthread_create(&t[2 * i], NULL, client, kind));
        need(!pthread_create(&t[2 * i + 1], NULL, server, kind));
    }
    for (int i = 0; i < 2 * PAIRS; i++) {
        void *result;
        pthread_join(t[i], &result);
        bad += result != NULL;
    }
    check_eq(bad, 0);
    return check_done();
}
