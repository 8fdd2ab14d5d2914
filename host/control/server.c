/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's thread: waits for clients, for signals of the host process, and for the time.
 *
 * Only the owner of the process gets in (SO_PEERCRED), although the socket's directory should let nobody
 * else near it.  A client that is slow or silent keeps nobody waiting.  When there are too many, the one
 * that has been silent for longest goes.
 *
 * Stopping: SIGTERM to all processes, after a while SIGKILL, and if the kernel does not end then either,
 * the host process does.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "host/control/control.h"
#include "host/control/control_impl.h"
#include "host/runtime_impl.h"

#define NS 1000000000L
#define STOP_SECONDS 10 /* when a signal asks for it */
#define KILL_SECONDS 5  /* from SIGKILL to our own end */
#define PAUSE_NS (NS / 10)
#define NEVER INT64_MAX

struct server server = {.lock = PTHREAD_MUTEX_INITIALIZER};

int64_t control_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NS + ts.tv_nsec;
}

void control_ring(void)
{
    (void)eventfd_write(server.kernel_fd, 1);
}

/* --- stopping ------------------------------------------------------------------------------ */

void control_stop_stage(enum stop_stage stage)
{
    server.stop = stage;
    if (stage == STOP_ABORT) {
        host_say("the enclave does not end by itself: it is ended");
        satellites_end();
        server.options->finish(SIGKILL);
    }
    server.stop_signal = stage == STOP_KILL ? SIGKILL : SIGTERM;
    if (stage == STOP_KILL)
        server.stop_next = control_now() + KILL_SECONDS * NS;
    control_ring();
    (void)eventfd_write(server.wake_fd, 1);
}

void control_stop(uint32_t seconds)
{
    int64_t kill_at = control_now() + (int64_t)seconds * NS;

    if (server.stop == STOP_NOT) {
        server.stop_next = kill_at;
        control_stop_stage(STOP_TERM);
    } else if (server.stop == STOP_TERM && kill_at < server.stop_next) {
        server.stop_next = kill_at;
    }
}

static void stop_look(int64_t now)
{
    if (server.stop != STOP_NOT && now >= server.stop_next)
        control_stop_stage(server.stop + 1);
}

static void take_signals(void)
{
    struct signalfd_siginfo s;

    while (read(server.signal_fd, &s, sizeof(s)) == sizeof(s)) {
        int sig = (int)s.ssi_signo;
        if (sig == SIGTERM || sig == SIGINT || sig == SIGQUIT) {
            control_stop(server.stop ? 0 : STOP_SECONDS); /* a second one does not wait */
        } else if (!server.options->idle) {
            server.first_signals.process |= 1UL << (sig - 1);
            control_ring();
        }
    }
}

/* --- clients ------------------------------------------------------------------------------- */

void client_remove(unsigned i)
{
    client_free(server.clients[i]);
    server.clients[i] = server.clients[--server.count];
}

/* The connection ends; what runs for it learns of that. */
static void drop(unsigned i)
{
    if (client_hang_up(server.clients[i]))
        client_remove(i);
}

static bool owner(int sock)
{
    struct ucred c;
    socklen_t len = sizeof(c);
    return !getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &c, &len) && c.uid == geteuid();
}

/* Room for one more: perhaps that of a client which has not said what it wants. */
static bool make_room(void)
{
    unsigned oldest = CLIENTS_MAX;

    if (server.count < CLIENTS_MAX)
        return true;
    for (unsigned i = 0; i < server.count; i++)
        if (server.clients[i]->state == CLIENT_NEW &&
            (oldest == CLIENTS_MAX || server.clients[i]->since < server.clients[oldest]->since))
            oldest = i;
    if (oldest == CLIENTS_MAX)
        return false;
    client_remove(oldest);
    return true;
}

/* False: there is nobody, or no descriptor is left for him. */
static bool accept_one(bool *short_of)
{
    int sock = accept4(server.listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (sock < 0) {
        *short_of = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        return errno == ECONNABORTED || errno == EINTR;
    }
    struct client *c = owner(sock) && make_room() ? client_new(sock) : NULL;
    if (c)
        server.clients[server.count++] = c;
    else
        close(sock);
    return true;
}

/* A descriptor that a silent client has is one for those who wait; they wait a moment in any case. */
static void accept_some(void)
{
    bool short_of = false;
    for (int n = 0; n < 64 && accept_one(&short_of); n++)
        ;
    if (!short_of)
        return;
    server.accept_at = control_now() + PAUSE_NS;
    for (unsigned i = server.count; i-- > 0;)
        if (server.clients[i]->state == CLIENT_NEW)
            client_remove(i);
}

static void serve(unsigned i, short events)
{
    struct client *c = server.clients[i];

    if ((events & (POLLHUP | POLLERR)) && !(events & POLLIN)) {
        drop(i);
        return;
    }
    if ((events & POLLIN) && !client_read(c)) {
        drop(i);
        return;
    }
    if (!client_flush(c))
        drop(i);
}

static short wanted(const struct client *c)
{
    bool reads = c->state == CLIENT_NEW || c->state == CLIENT_TAKEN;
    return (short)((reads ? POLLIN : 0) | (c->sent < c->have ? POLLOUT : 0));
}

/* --- the thread ---------------------------------------------------------------------------- */

enum { AT_LISTEN, AT_WAKE, AT_SIGNAL, AT_CLIENTS };

/* What to wait for; clients at AT_CLIENTS + their index. */
static unsigned polls_fill(struct pollfd *p, int64_t *until)
{
    p[AT_LISTEN] =
        (struct pollfd){.fd = server.accept_at ? -1 : server.listen_fd, .events = POLLIN};
    p[AT_WAKE] = (struct pollfd){.fd = server.wake_fd, .events = POLLIN};
    p[AT_SIGNAL] = (struct pollfd){.fd = server.signal_fd, .events = POLLIN};
    *until = server.stop == STOP_NOT ? NEVER : server.stop_next;
    if (server.accept_at && server.accept_at < *until)
        *until = server.accept_at;
    for (unsigned i = 0; i < server.count; i++) {
        const struct client *c = server.clients[i];
        p[AT_CLIENTS + i] = (struct pollfd){.fd = c->sock, .events = wanted(c)};
        if (c->state == CLIENT_NEW && c->since + NEW_NS < *until)
            *until = c->since + NEW_NS;
    }
    return server.count;
}

static int timeout_ms(int64_t until)
{
    if (until == NEVER)
        return -1;
    int64_t ms = (until - control_now()) / 1000000 + 1;
    return ms < 0 ? 0 : ms > 3600000 ? 3600000 : (int)ms;
}

/*
 * From the last to the first, as a removed one is replaced by the last.  The kernel's news may have
 * removed some meanwhile: each is known by its descriptor.
 */
static void serve_all(const struct pollfd *p, unsigned n)
{
    for (unsigned i = n < server.count ? n : server.count; i-- > 0;) {
        struct client *c = server.clients[i];
        if (c->sock >= 0 && c->sock == p[AT_CLIENTS + i].fd && p[AT_CLIENTS + i].revents)
            serve(i, p[AT_CLIENTS + i].revents);
        else if (c->sock >= 0 && c->state == CLIENT_DONE && !client_flush(c))
            drop(i);
    }
}

static void drop_silent(int64_t now)
{
    for (unsigned i = server.count; i-- > 0;)
        if (server.clients[i]->state == CLIENT_NEW && server.clients[i]->since + NEW_NS <= now)
            client_remove(i);
}

static void *server_main(void *arg)
{
    static struct pollfd p[AT_CLIENTS + CLIENTS_MAX];
    int64_t until;
    eventfd_t count;

    (void)arg;
    pthread_mutex_lock(&server.lock);
    for (;;) {
        unsigned n = polls_fill(p, &until);
        pthread_mutex_unlock(&server.lock);
        if (poll(p, AT_CLIENTS + n, timeout_ms(until)) < 0)
            usleep(1000);
        pthread_mutex_lock(&server.lock);
        if (p[AT_WAKE].revents)
            (void)eventfd_read(server.wake_fd, &count);
        if (p[AT_SIGNAL].revents)
            take_signals();
        serve_all(p, n);
        if (server.accept_at <= control_now())
            server.accept_at = 0;
        if (p[AT_LISTEN].revents)
            accept_some();
        drop_silent(control_now());
        stop_look(control_now());
    }
    return NULL;
}

/* Not those of job control: they are for the host process as a whole. */
static void signals_taken(sigset_t *set)
{
    static const int taken[] = {SIGTERM, SIGINT,  SIGQUIT, SIGHUP,
                                SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};

    sigemptyset(set);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        sigaddset(set, taken[i]);
}

int control_start(const struct runtime_options *o, int *fd)
{
    pthread_t thread;
    sigset_t set;

    server.options = o;
    (void)listen(o->control_listen,
                 SOMAXCONN); /* again: clients learn the pid of who did so last */
    server.listen_fd = o->control_listen;
    server.began = time(NULL);
    server.kernel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    server.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    signals_taken(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* for good, in this thread and all that it makes */
    server.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server.kernel_fd < 0 || server.wake_fd < 0 || server.signal_fd < 0)
        return -errno;
    *fd = server.kernel_fd;
    return -pthread_create(&thread, NULL, server_main, NULL);
}

void control_end(void)
{
    int64_t until = control_now() + NS;

    pthread_mutex_lock(&server.lock); /* for good: nothing else happens now */
    for (unsigned i = 0; i < server.count; i++) {
        struct client *c = server.clients[i];
        while (c->sock >= 0 && c->sent < c->have) {
            struct pollfd p = {.fd = c->sock, .events = POLLOUT};
            int64_t left = until - control_now();
            (void)client_flush(c);
            if (c->sent == c->have || left <= 0 || poll(&p, 1, (int)(left / 1000000)) <= 0)
                break;
        }
    }
}
