/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: what comes, what goes.  A client is our own user's, but it may be broken, stopped, or
 * slow: nothing here waits for it, and what it can make us keep is bounded.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/control/control_impl.h"
#include "host/runtime.h"
#include "lib/control.h"

struct client *client_new(int sock)
{
    struct client *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->id = ++server.last_id;
    c->sock = sock;
    c->since = control_now();
    c->in.side = WIRE_SERVER;
    c->ground = -1;
    for (int i = 0; i < HOST_CONTROL_FDS; i++)
        c->fds[i] = -1;
    return c;
}

void client_free(struct client *c)
{
    for (unsigned i = 0; i < HOST_CONTROL_FDS; i++)
        if (c->fds[i] >= 0)
            close(c->fds[i]);
    if (c->sock >= 0)
        close(c->sock);
    wire_next(&c->in);
    free(c->out);
    free(c);
}

bool client_hang_up(struct client *c)
{
    close(c->sock);
    c->sock = -1;
    if (!c->running || c->exec.flags & WIRE_DETACH)
        return true;
    c->signals.group |= 1UL << (SIGHUP - 1) | (c->halted ? 1UL << (SIGCONT - 1) : 0);
    control_ring();
    return false;
}

/* --- out ----------------------------------------------------------------------------------- */

bool client_flush(struct client *c)
{
    while (c->sent < c->have) {
        ssize_t n = send(c->sock, c->out + c->sent, c->have - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        c->sent += (size_t)n;
    }
    c->sent = c->have = 0;
    return c->state != CLIENT_DONE;
}

static bool out_room(struct client *c, size_t n)
{
    if (c->sent) {
        memmove(c->out, c->out + c->sent, c->have - c->sent);
        c->have -= c->sent;
        c->sent = 0;
    }
    if (n > OUT_MAX - c->have)
        return false;
    if (c->have + n <= c->room)
        return true;
    char *out = realloc(c->out, c->have + n);
    if (!out)
        return false;
    c->out = out;
    c->room = c->have + n;
    return true;
}

void client_say(struct client *c, enum wire_kind kind, const void *data, size_t n)
{
    struct wire_head h = {.len = (uint32_t)n, .kind = (uint16_t)kind, .version = WIRE_VERSION};

    if (c->sock < 0)
        return;
    if (!out_room(c,
                  sizeof(h) + n)) { /* it does not read: what it lacks now it could not make up */
        shutdown(c->sock, SHUT_RDWR);
        return;
    }
    memcpy(c->out + c->have, &h, sizeof(h));
    if (n)
        memcpy(c->out + c->have + sizeof(h), data, n);
    c->have += sizeof(h) + n;
}

void client_number(struct client *c, enum wire_kind kind, uint32_t n)
{
    client_say(c, kind, &n, sizeof(n));
}

void client_refuse(struct client *c, const char *why)
{
    client_say(c, WIRE_REFUSED, why, strlen(why));
    c->state = CLIENT_DONE;
}

/* --- in ------------------------------------------------------------------------------------ */

/* The descriptors of a received piece: only those of EXEC are wanted, with its first byte. */
static bool take_descriptors(struct client *c, struct msghdr *m, bool first)
{
    bool ok = !(m->msg_flags & MSG_CTRUNC);
    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
            if (first && c->fd_count < HOST_CONTROL_FDS) {
                c->fds[c->fd_count++] = fd;
            } else {
                close(fd);
                ok = false;
            }
        }
    }
    return ok;
}

/* What larger requests hold altogether, with `more` for this one. */
static bool in_fits(const struct client *c, size_t more)
{
    size_t sum = c->in.have + more;
    if (sum <= IN_SMALL)
        return true;
    for (unsigned i = 0; i < server.count; i++)
        if (server.clients[i] != c && server.clients[i]->in.room > IN_SMALL)
            sum += server.clients[i]->in.room;
    return sum <= IN_MAX;
}

/* The descriptors in their places; false: not as many as the request says. */
static bool place_descriptors(struct client *c)
{
    const unsigned all = (1U << HOST_CONTROL_FDS) - 1;
    int got[HOST_CONTROL_FDS];
    unsigned used = 0;

    memcpy(got, c->fds, sizeof(got));
    if (c->exec.fds & ~all || (unsigned)__builtin_popcount(c->exec.fds) != c->fd_count)
        return false;
    for (unsigned i = 0; i < HOST_CONTROL_FDS; i++)
        c->fds[i] = c->exec.fds >> i & 1 ? stream_own(got[used++]) : -1;
    return true;
}

static void begin_exec(struct client *c)
{
    struct control_exec e;
    const char *why;

    memcpy(&c->exec, c->in.data, sizeof(c->exec));
    if (c->exec.flags & ~(WIRE_DETACH | WIRE_BACKGROUND)) {
        client_refuse(c, "a flag is not known; client and server are of different versions");
    } else if (control_exec_check(c->in.data + sizeof(c->exec), c->in.have - sizeof(c->exec),
                                  c->exec.argc, c->exec.envc, &e, &why)) {
        client_refuse(c, why);
    } else if (!place_descriptors(c)) {
        client_refuse(c, "the descriptors are not those that were announced");
    } else if (server.stop) {
        client_refuse(c, "the enclave is being stopped");
    } else {
        c->state = CLIENT_WAITS;
        control_ring();
    }
}

static void tell_about(struct client *c)
{
    const char *what = server.options->control_about;
    struct wire_about about = {.pid = (uint32_t)getpid(), .since = server.began};
    size_t n = strlen(what);
    char *text = malloc(sizeof(about) + n);

    if (text) {
        memcpy(text, &about, sizeof(about));
        memcpy(text + sizeof(about), what, n);
        client_say(c, WIRE_ABOUT, text, sizeof(about) + n);
    }
    free(text);
    c->state = CLIENT_DONE;
}

static void begin(struct client *c)
{
    c->request = c->in.head.kind;
    if (c->request != WIRE_EXEC && c->fd_count) {
        client_refuse(c, "descriptors without a program");
        return;
    }
    switch (c->request) {
    case WIRE_EXEC: begin_exec(c); return;
    case WIRE_PS:
        c->state = CLIENT_WAITS;
        control_ring();
        break;
    case WIRE_ABOUT: tell_about(c); break;
    case WIRE_STOP:
        c->state = CLIENT_TAKEN; /* until the end of all */
        control_stop(wire_number(&c->in));
        break;
    default: client_refuse(c, "a message that belongs to a program"); return;
    }
    wire_next(&c->in);
}

/* A whole message is there. */
static void act(struct client *c)
{
    if (c->state == CLIENT_NEW) {
        begin(c);
        return;
    }
    uint32_t n = wire_number(&c->in), sig = n & ~WIRE_GROUP;
    bool ok = c->request == WIRE_EXEC;
    if (ok && c->in.head.kind == WIRE_SIGNAL && sig >= 1 && sig <= 64) {
        *(n & WIRE_GROUP ? &c->signals.group : &c->signals.process) |= 1UL << (sig - 1);
    } else if (ok && c->in.head.kind == WIRE_GROUND && n <= 1) {
        c->ground = (int)n;
    } else {
        client_refuse(c, "a message that does not belong here");
        return;
    }
    control_ring();
    wire_next(&c->in);
}

/* One piece: the bytes read; 0: end of file or an error; -EAGAIN: there are none, or it is refused. */
static ssize_t read_piece(struct client *c)
{
    char control[CMSG_SPACE(8 * sizeof(int))];
    bool first = c->state == CLIENT_NEW && !c->in.head_have && !c->in.have;
    struct iovec v;

    v.iov_base = wire_room(&c->in, &v.iov_len);
    if (!v.iov_base || !in_fits(c, v.iov_len)) {
        client_refuse(c, "too much is asked for at once; try again later");
        return -EAGAIN;
    }
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(c->sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? -EAGAIN : 0;
    if (!take_descriptors(c, &m, first && n > 0)) {
        client_refuse(c, "descriptors that nobody asked for, or too many");
        return -EAGAIN;
    }
    return n;
}

bool client_read(struct client *c)
{
    for (size_t total = 0; total < READ_ROUND;) {
        /* A request that waits keeps its data in the reader; what follows it stays in the socket. */
        if (c->state == CLIENT_DONE || (c->state == CLIENT_WAITS && c->request == WIRE_EXEC))
            return true;
        ssize_t n = read_piece(c);
        if (n <= 0)
            return n == -EAGAIN;
        total += (size_t)n;
        int got = wire_got(&c->in, (size_t)n);
        if (got < 0)
            client_refuse(c, "not a message that this server understands");
        else if (got)
            act(c);
    }
    return true;
}
