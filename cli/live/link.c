/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection to a live enclave: see link.h. */
#include "cli/live/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cli/live/place.h"
#include "cli/say.h"

#define PIECES_MAX 4

bool link_open(struct link *l, const char *name)
{
    *l = (struct link){.name = name, .in.side = WIRE_CLIENT};
    l->sock = place_connect(name, &l->pid);
    return l->sock >= 0;
}

void link_close(struct link *l)
{
    close(l->sock);
    wire_next(&l->in);
}

/* All of it, without SIGPIPE; the descriptors go with the first byte. */
static bool send_all(int sock, struct msghdr *m)
{
    while (m->msg_iovlen) {
        ssize_t n = sendmsg(sock, m, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        m->msg_control = NULL;
        m->msg_controllen = 0;
        for (; m->msg_iovlen && (size_t)n >= m->msg_iov->iov_len; m->msg_iovlen--, m->msg_iov++)
            n -= (ssize_t)m->msg_iov->iov_len;
        if (m->msg_iovlen) {
            m->msg_iov->iov_base = (char *)m->msg_iov->iov_base + n;
            m->msg_iov->iov_len -= (size_t)n;
        }
    }
    return true;
}

static void put_descriptors(struct msghdr *m, void *control, const int *fds, unsigned nfds)
{
    m->msg_control = control;
    m->msg_controllen = CMSG_SPACE(nfds * sizeof(int));
    struct cmsghdr *c = control; /* the first one */
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
    memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
}

bool link_send_fds(struct link *l, enum wire_kind kind, const struct iovec *data, int n,
                   const int *fds, unsigned nfds)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(HOST_CONTROL_FDS * sizeof(int))] = {0};
    struct wire_head h = {.kind = (uint16_t)kind, .version = WIRE_VERSION};
    struct iovec v[1 + PIECES_MAX] = {{&h, sizeof h}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 1};
    for (int i = 0; i < n; i++) {
        v[m.msg_iovlen++] = data[i];
        h.len += (uint32_t)data[i].iov_len;
    }
    if (nfds)
        put_descriptors(&m, control, fds, nfds);
    return send_all(l->sock, &m);
}

bool link_send(struct link *l, enum wire_kind kind, const struct iovec *data, int n)
{
    return link_send_fds(l, kind, data, n, NULL, 0);
}

bool link_send_number(struct link *l, enum wire_kind kind, uint32_t number)
{
    struct iovec v = {&number, sizeof number};
    return link_send(l, kind, &v, 1);
}

static enum link_state complete(struct link *l)
{
    if (l->in.head.kind != WIRE_REFUSED)
        return LINK_MESSAGE;
    say_error("%s: refused: %.*s", l->name, (int)l->in.have, l->in.data ? l->in.data : "");
    return LINK_CLOSED;
}

enum link_state link_receive(struct link *l, bool wait)
{
    int got = 0;
    if (l->in.head_have == sizeof l->in.head && l->in.have == l->in.head.len)
        wire_next(&l->in);
    while (!got) {
        size_t n;
        void *to = wire_room(&l->in, &n);
        ssize_t came = to ? recv(l->sock, to, n, wait ? 0 : MSG_DONTWAIT) : 0;
        if (came < 0 && errno == EINTR)
            continue;
        if (came < 0 && errno == EAGAIN)
            return LINK_NOTHING;
        if (came <= 0)
            return LINK_CLOSED;
        got = wire_got(&l->in, (size_t)came);
    }
    if (got > 0)
        return complete(l);
    say_error("%s: its host process speaks another version; use the cella that started it",
              l->name);
    return LINK_CLOSED;
}
