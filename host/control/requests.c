/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's side: it asks for one request after the other, and tells what became of them.  Called by the
 * threads of vCPUs; what is for a client is sent at once if that is possible, else by the server's thread.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "abi/host/control.h"
#include "host/control/control.h"
#include "host/control/control_impl.h"
#include "host/runtime.h"

#define TELL_MAX (256UL << 10) /* of text: a bounce buffer */

/* --- what the kernel takes ----------------------------------------------------------------- */

static void take_exec(struct client *c, struct host_control *out)
{
    *out = (struct host_control){
        .id = c->id,
        .kind = HOST_CONTROL_EXEC,
        .umask = c->exec.umask,
        .argc = c->exec.argc,
        .envc = c->exec.envc,
        .data_len = (uint32_t)(c->in.have - sizeof(c->exec)),
        .flags = c->exec.flags & WIRE_BACKGROUND ? HOST_CONTROL_BACKGROUND : 0,
    };
    memcpy(out->fds, c->fds, sizeof(out->fds));
    for (unsigned i = 0; i < HOST_CONTROL_FDS; i++)
        c->fds[i] = -1;
    free(server.data);
    server.data = c->in.data;
    server.data_off = sizeof(c->exec);
    server.data_len = c->in.have;
    c->in.data = NULL;
    wire_next(&c->in);
    c->running = true;
    c->state = CLIENT_TAKEN;
    (void)eventfd_write(server.wake_fd, 1); /* from now on its signals are read */
}

static bool take_request(struct client *c, struct host_control *out)
{
    if (c->state != CLIENT_WAITS)
        return false;
    if (c->request == WIRE_EXEC) {
        take_exec(c, out);
    } else {
        *out = (struct host_control){.id = c->id, .kind = HOST_CONTROL_PS};
        c->state = CLIENT_TAKEN;
    }
    return true;
}

static bool signals_none(const struct signals *s)
{
    return !(s->process | s->group);
}

static bool take_signal(uint64_t id, struct signals *s, struct host_control *out)
{
    if (signals_none(s))
        return false;
    uint64_t *set = s->process ? &s->process : &s->group;
    *out = (struct host_control){
        .id = id,
        .kind = HOST_CONTROL_SIGNAL,
        .signal = (uint32_t)__builtin_ctzl(*set) + 1,
        .flags = s->process ? 0 : HOST_CONTROL_GROUP,
    };
    *set &= *set - 1;
    return true;
}

static bool take_ground(struct client *c, struct host_control *out)
{
    if (c->ground < 0)
        return false;
    *out = (struct host_control){
        .id = c->id,
        .kind = HOST_CONTROL_GROUND,
        .flags = c->ground ? HOST_CONTROL_BACKGROUND : 0,
    };
    c->ground = -1;
    return true;
}

static bool take_stop(struct host_control *out)
{
    if (!server.stop_signal)
        return false;
    *out = (struct host_control){.kind = HOST_CONTROL_STOP, .signal = (uint32_t)server.stop_signal};
    server.stop_signal = 0;
    return true;
}

/*
 * One client's: a request before its signals, which are for what it makes, and the terminal before them, as
 * they may let the process go on to read it.
 */
static bool take_of(unsigned i, struct host_control *out)
{
    struct client *c = server.clients[i];
    if (take_request(c, out))
        return true;
    if (!c->running)
        return false;
    if (take_ground(c, out))
        return true;
    bool taken = take_signal(c->id, &c->signals, out);
    if (taken && c->sock < 0 && signals_none(&c->signals))
        client_remove(i);
    return taken;
}

static bool take_locked(struct host_control *out)
{
    if (take_stop(out) || take_signal(0, &server.first_signals, out))
        return true;
    for (unsigned n = 0; n < server.count; n++) {
        unsigned i = (server.turn + n) % server.count;
        if (take_of(i, out)) {
            server.turn = i + 1;
            return true;
        }
    }
    return false;
}

int64_t control_next(struct host_control *out)
{
    eventfd_t count;

    pthread_mutex_lock(&server.lock);
    bool taken = take_locked(out);
    if (!taken)
        (void)eventfd_read(server.kernel_fd, &count);
    pthread_mutex_unlock(&server.lock);
    return taken;
}

int64_t control_data(void *buf, uint64_t n, uint64_t off)
{
    int64_t ret = -EINVAL;

    pthread_mutex_lock(&server.lock);
    size_t len = server.data_len - server.data_off;
    if (off <= len && n <= len - off) {
        memcpy(buf, server.data + server.data_off + off, n);
        ret = (int64_t)n;
    }
    pthread_mutex_unlock(&server.lock);
    return ret;
}

/* --- what it tells ------------------------------------------------------------------------- */

static void tell_failed(struct client *c, uint32_t status, const char *text, size_t n)
{
    char *both = malloc(sizeof(status) + n);
    if (both) {
        memcpy(both, &status, sizeof(status));
        memcpy(both + sizeof(status), text, n);
        client_say(c, WIRE_FAILED, both, sizeof(status) + n);
    }
    free(both);
}

static void tell_list(struct client *c, bool more, const char *text, size_t n)
{
    if (n)
        client_say(c, WIRE_LIST, text, n);
    if (more)
        return;
    client_say(c, WIRE_LIST, NULL, 0);
    c->state = CLIENT_DONE;
}

static void tell_client(struct client *c, enum host_control_news what, int64_t value,
                        const char *text, size_t n)
{
    switch (what) {
    case HOST_CONTROL_STARTED:
        client_number(c, WIRE_STARTED, (uint32_t)value);
        if (c->exec.flags & WIRE_DETACH)
            c->state = CLIENT_DONE;
        break;
    case HOST_CONTROL_FAILED:
        tell_failed(c, (uint32_t)value, text, n);
        c->running = false;
        c->state = CLIENT_DONE;
        break;
    case HOST_CONTROL_ENDED:
        client_number(c, WIRE_ENDED, (uint32_t)value);
        c->running = false;
        c->state = CLIENT_DONE;
        break;
    case HOST_CONTROL_HALTED:
        c->halted = value != 0;
        if (value)
            client_number(c, WIRE_HALTED, (uint32_t)value);
        break;
    case HOST_CONTROL_LIST: tell_list(c, value, text, n); break;
    default: break;
    }
}

/* Of the enclave as a whole, or of the first process. */
static void tell_server(enum host_control_news what, int64_t value)
{
    if (what == HOST_CONTROL_DONE && !value && server.stop == STOP_TERM) {
        control_stop_stage(STOP_KILL);
        return;
    }
    bool ready =
        what == HOST_CONTROL_STARTED || (what == HOST_CONTROL_READY && server.options->idle);
    if (!ready || server.ready)
        return;
    server.ready = true;
    server.options->control_ready();
}

int64_t control_tell(uint64_t id, uint64_t what, int64_t value, const char *text, uint64_t n)
{
    if (n > TELL_MAX)
        return -EINVAL;
    pthread_mutex_lock(&server.lock);
    if (!id)
        tell_server((enum host_control_news)what, value);
    for (unsigned i = 0; id && i < server.count; i++) {
        struct client *c = server.clients[i];
        if (c->id != id || (c->state != CLIENT_TAKEN && !c->running))
            continue;
        tell_client(c, (enum host_control_news)what, value, text, n);
        if (c->sock >= 0 && !client_flush(c))
            (void)eventfd_write(server.wake_fd, 1);
        else if (c->have)
            (void)eventfd_write(server.wake_fd, 1);
        else if (c->sock < 0 && !c->running)
            client_remove(i);
        break;
    }
    pthread_mutex_unlock(&server.lock);
    return 0;
}
