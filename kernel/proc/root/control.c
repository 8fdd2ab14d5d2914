/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control channel: a thread of init's that serves the host's requests.
 *
 * It sleeps in a poll of the host's descriptor on the ring, as any thread does that waits for the host, and
 * asks for one request after the other when that is readable.  Everything in a request is the host's
 * word: copied once, bounded, checked here; what it may bring about at all, the configuration says.
 * A host that floods us with requests takes CPU time, which is its own.
 */
#include "kernel/proc/root/control.h"

#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/poll.h>

#include "abi/host/control.h"
#include "kernel/arch/fpu.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/ocall/ocall.h"
#include "kernel/ocall/ring.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/pids.h"
#include "kernel/proc/process.h"
#include "kernel/proc/root/control_list.h"
#include "kernel/proc/root/root.h"
#include "kernel/proc/root/root_impl.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/waitq.h"
#include "kernel/signal/from_host.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/stats.h"
#include "lib/control.h"
#include "lib/string.h"

static struct {
    bool open;                /* [I] after boot */
    int fd;                   /* [I] */
    struct thread *thread;    /* [I] */
    struct ring_request poll; /* the thread's, or the ring's while it is under way */
    uint32_t polling;         /* [a] */
    bool stopping;            /* the thread's: the enclave is to end with its last process … */
    struct waiter waiter;     /* … which init knows of */
} control;

bool control_open(void)
{
    return control.open;
}

void control_tell(uint64_t id, unsigned what, int64_t value, const char *text)
{
    if (control.open)
        ocall_control_tell(id, what, value, text, strlen(text));
}

/* --- a program ----------------------------------------------------------------------------- */

/* Pointers to n strings from `at` on, and NULL. */
static char **vector_fill(char **v, const char *at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++, at = control_next_string(at))
        *v++ = (char *)at;
    *v++ = NULL;
    return v;
}

/* The data in trusted memory, with the vectors that point into it; r owns it. */
static int words_take(struct root *r, const struct host_control *c)
{
    struct control_exec e;
    const char *why;
    size_t pointers = ((size_t)c->argc + c->envc + 2) * sizeof(char *);

    /* As execve counts: each string, and a pointer to it. */
    if (c->data_len > MAX_ARG_TOTAL || pointers > MAX_ARG_TOTAL - c->data_len)
        return -E2BIG;
    char **v = kmalloc(pointers + c->data_len);
    if (!v)
        return -ENOMEM;
    r->words = v;
    char *data = (char *)v + pointers;
    int err = ocall_control_data(data, c->data_len);
    if (!err)
        err = control_exec_check(data, c->data_len, c->argc, c->envc, &e, &why);
    if (err)
        return err;
    char **env = vector_fill(v, e.args, c->argc);
    vector_fill(env, e.envs, c->envc);
    r->given = (struct given){e.program, e.cwd, v, env, false};
    return 0;
}

static const char *why_not(int err)
{
    switch (err) {
    case -E2BIG: return "arguments and environment are too long";
    case -EINVAL: return "the request is damaged";
    case -EAGAIN: return "there are too many processes";
    case -EEXIST: return "the id is in use";
    default: return "not enough enclave memory; raise sgx.enclave_size";
    }
}

static void do_exec(const struct host_control *c)
{
    struct root *r = root_new();
    int err = r ? 0 : -ENOMEM;

    for (unsigned i = 0; i < HOST_CONTROL_FDS; i++) {
        if (r)
            r->fds[i] = c->fds[i] < 0 ? -1 : c->fds[i];
        else if (c->fds[i] >= 0)
            ocall_close(c->fds[i]);
    }
    if (!err) {
        r->id = c->id;
        r->umask = c->umask;
        r->background = c->flags & HOST_CONTROL_BACKGROUND;
        err = words_take(r, c);
    }
    if (!err)
        err = root_start(r);
    if (!err)
        return;
    if (r)
        root_free(r);
    control_tell(c->id, HOST_CONTROL_FAILED, 125, why_not(err));
}

/* --- signals ------------------------------------------------------------------------------- */

/* Keys of its terminal are for whoever is in the foreground there. */
static int group_of(struct process *p, int sig)
{
    uint64_t terminal;
    int foreground;

    tty_of_process(p, &terminal, &foreground);
    return signal_is_key(sig) && foreground > 0 ? foreground : p->pgid;
}

static void send(struct process *p, int sig, bool group)
{
    siginfo_t info = {.si_signo = sig, .si_code = SI_KERNEL};

    if (group)
        (void)signal_send_group(group_of(p, sig), sig, &info);
    else
        (void)signal_send_process(p, sig, &info);
}

/* A stop that the host knows of is over when it says so, as that of a job outside is. */
static void go_on(struct process *p)
{
    spin_lock(&p->lock);
    signal_continue_locked(p, SIGCONT);
    spin_unlock(&p->lock);
}

static void do_signal(const struct host_control *c)
{
    struct process *p = c->signal >= 1 && c->signal <= 64 ? root_lookup(c->id) : NULL;
    int sig = (int)c->signal;

    if (!p)
        return; /* it has ended meanwhile */
    if (signal_let_in(sig))
        send(p, sig, c->flags & HOST_CONTROL_GROUP);
    else if (sig == SIGCONT)
        go_on(p);
    process_put(p);
}

static void do_ground(const struct host_control *c)
{
    struct process *p = root_lookup(c->id);

    if (!p)
        return;
    tty_lend(p, c->flags & HOST_CONTROL_BACKGROUND);
    process_put(p);
}

static int term_one(struct process *p, void *arg)
{
    siginfo_t info = {.si_signo = *(const int *)arg, .si_code = SI_KERNEL};

    if (p != kernel.init)
        (void)signal_send_process(p, info.si_signo, &info);
    return 0;
}

/* SIGKILL needs no permission: the host can end us in any case, and this way files are written back. */
static void do_stop(const struct host_control *c)
{
    int sig = c->signal == SIGKILL ? SIGKILL : SIGTERM;
    bool let_in = sig == SIGKILL || signal_let_in(sig);

    if (!control.stopping)
        waitq_add(&kernel.init->child_wait, &control.waiter);
    control.stopping = true;
    if (sig == SIGKILL)
        processes_close();
    if (let_in)
        (void)process_for_each(term_one, &sig);
    control_tell(0, HOST_CONTROL_DONE, let_in, "");
}

/* --- the thread ---------------------------------------------------------------------------- */

static void serve(const struct host_control *c)
{
    switch (c->kind) {
    case HOST_CONTROL_EXEC: do_exec(c); break;
    case HOST_CONTROL_SIGNAL: do_signal(c); break;
    case HOST_CONTROL_GROUND: do_ground(c); break;
    case HOST_CONTROL_PS: control_list(c->id); break;
    case HOST_CONTROL_STOP: do_stop(c); break;
    default: break; /* a newer host's: it gets no answer */
    }
}

static void poll_done(struct ring_request *r, int32_t result)
{
    (void)r;
    (void)result; /* the next request tells */
    __atomic_store_n(&control.polling, 0, __ATOMIC_RELEASE);
    thread_wake(control.thread);
}

static void poll_again(void)
{
    if (__atomic_exchange_n(&control.polling, 1, __ATOMIC_ACQ_REL))
        return;
    ring_poll_add(&control.poll, control.fd, POLLIN);
}

/* The host wanted the enclave to end, and nothing is left that runs. */
static void end_if_stopped(void)
{
    if (!control.stopping || processes_count() || roots_count())
        return;
    stats_print();
    ocall_exit(0);
}

static void control_main(void *arg)
{
    struct host_control c;

    (void)arg;
    control_tell(0, HOST_CONTROL_READY, 0, "");
    for (;;) {
        while (ocall_control_next(&c))
            serve(&c);
        end_if_stopped();
        poll_again();
        (void)thread_block(KTIME_NEVER, false);
    }
}

int control_start(int fd)
{
    struct thread *t;
    int err = thread_new(kernel.init, control_main, NULL, &t);

    if (err)
        return err;
    cred_inherit(t);
    fpu_reset(t);
    str_copy(t->comm, "control", sizeof(t->comm));
    control.fd = fd;
    control.thread = t;
    control.poll.done = poll_done;
    control.open = true;
    thread_start(t); /* our reference stays */
    return 0;
}
