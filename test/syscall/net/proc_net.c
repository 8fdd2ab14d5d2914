/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/net lists the sockets that are there and the loopback. */
#include "check.h"
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Whether a line of the file contains text. */
static int has(const char *path, const char *text)
{
    char line[512];
    int found = 0;
    FILE *f = fopen(path, "r");

    need(f != NULL);
    while (fgets(line, sizeof(line), f))
        found |= strstr(line, text) != NULL;
    fclose(f);
    return found;
}

int main(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_un u = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(a);
    char text[64];
    int l = socket(AF_INET, SOCK_STREAM, 0), d = socket(AF_INET, SOCK_DGRAM, 0);
    int x = socket(AF_UNIX, SOCK_STREAM, 0);

    check(has("/proc/net/dev", "lo:"));
    check_ok(bind(l, (void *)&a, sizeof(a)));
    check_ok(getsockname(l, (void *)&a, &len));
    check_ok(listen(l, 5));
    snprintf(text, sizeof(text), "0100007F:%04X 00000000:0000 0A", ntohs(a.sin_port));
    check(has("/proc/net/tcp", text));
    a.sin_port = 0;
    check_ok(bind(d, (void *)&a, sizeof(a)));
    check_ok(getsockname(d, (void *)&a, &len));
    snprintf(text, sizeof(text), "0100007F:%04X 00000000:0000 07", ntohs(a.sin_port));
    check(has("/proc/self/net/udp", text));
    snprintf(u.sun_path + 1, 40, "cella-proc-%d", getpid());
    check_ok(
        bind(x, (void *)&u,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(u.sun_path + 1))));
    snprintf(text, sizeof(text), "@cella-proc-%d", getpid());
    check(has("/proc/net/unix", text));
    close(l);
    close(d);
    close(x);
    check(!has("/proc/net/unix", text));
    return check_done();
}
