/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's life outside the enclave: enter, and do what the kernel left for.
 *
 *   EEXIT                   serve the request, EENTER with the result
 *   an exception            EENTER (CSSA 1): the kernel looks at it
 *   EEXIT of such an entry  the exception is dealt with: ERESUME
 * An exception while the kernel looks at one is the end.
 *
 * vCPU 0 is the thread that built the enclave and takes the program's signals; the kernel asks for
 * the others when it has work for them.  A wait (an idle vCPU's) ends by the vCPU's own eventfd,
 * so that a wake-up or a signal that comes just before it is not lost.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/enclave/layout.h"
#include "host/ring.h"
#include "host/runtime_impl.h"

#define STACK_SIZE (256UL << 10)

__thread struct host_cpu *host_cpu;

static int exception_in_handler(const struct sgx_enclave_run *run)
{
    host_say(
        "the kernel failed while it handled an exception (vector %u, error %u, address 0x%llx)",
        run->exception_vector, run->exception_error_code, (unsigned long long)run->exception_addr);
    return -EIO;
}

static int enter_and_serve(unsigned index)
{
    struct host_vcpu *v = &host.vcpus[index];
    struct sgx_enclave_run run = {.tcs = layout_tcs(host.options->layout, index)};
    unsigned function = EENTER;
    bool handling = false;

    for (;;) {
        int ret = enclave_enter(function, host.start, &run);
        if (ret) {
            host_say("entering the enclave failed (%d)", ret);
            return -EIO;
        }
        if (run.function != EEXIT) {
            if (handling)
                return exception_in_handler(&run);
            handling = true;
            function = EENTER;
            continue;
        }
        if (handling) {
            handling = false;
            function = ERESUME;
            continue;
        }
        if (v->ocall.nr == HOST_NO_REQUEST) {
            host_say("the kernel image is not made for this cella; build or install both again");
            return -EIO;
        }
        v->ocall.ret = ocall_serve(v);
        function = EENTER;
    }
}

int vcpu_run(unsigned index)
{
    struct host_cpu *c = &host.cpus[index];

    c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->wake_fd < 0) {
        int err = errno;
        host_say("no descriptor is left for a vCPU");
        return -err;
    }
    host_cpu = c;
    __atomic_store_n(&c->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
    return enter_and_serve(index);
}

static void *thread_main(void *arg)
{
    (void)vcpu_run(((struct host_cpu *)arg)->index);
    _exit(125); /* it has said why; a kernel without one of its vCPUs would hang */
}

int vcpu_start(unsigned index)
{
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    /* Blocked before it is there: it has no vCPU yet that a signal could be for. */
    sigset_t old;
    signals_block(&old);
    int err = pthread_create(&thread, &attr, thread_main, &host.cpus[index]);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return -err;
}

void vcpu_wake(unsigned index)
{
    if (host.cpus[index].wake_fd >= 0)
        eventfd_write(host.cpus[index].wake_fd, 1);
}

void vcpu_interrupt(unsigned index)
{
    pid_t tid = __atomic_load_n(&host.cpus[index].tid, __ATOMIC_ACQUIRE);
    if (tid)
        syscall(SYS_tgkill, getpid(), tid, TICK_SIGNAL);
    else
        __atomic_store_n(&host.vcpus[index].kick, 1, __ATOMIC_RELEASE);
}

/* For a signal that comes just before the wait its handler has made a tick, which ends the wait. */
int64_t vcpu_receive(int link, void *buf, size_t n, bool wait)
{
    const struct host_vcpu *v = &host.vcpus[host_cpu->index];

    if (wait && host_cpu->tick_armed)
        tick_set(0);
    if (wait && __atomic_load_n(&v->kick, __ATOMIC_ACQUIRE))
        return -EINTR;
    ssize_t got = recv(link, buf, n, MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT));
    if (got < 0)
        return wait && errno == EAGAIN ? -EINTR : -errno;
    return (size_t)got > n ? -EMSGSIZE : got;
}

/* Those inboxes that poll has found something for. */
static void inboxes_fill(struct host_inbox *inbox, const struct pollfd *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (p[i].revents)
            inbox[i].got = vcpu_receive(inbox[i].fd, (void *)inbox[i].buf, HOST_LINK_MAX, false);
}

void vcpu_wait(int64_t timeout, bool watch)
{
    struct host_vcpu *v = &host.vcpus[host_cpu->index];
    struct timespec ts = {.tv_sec = timeout / 1000000000, .tv_nsec = timeout % 1000000000};
    unsigned n = v->inbox_count < SATELLITE_MAX ? v->inbox_count : SATELLITE_MAX;
    struct pollfd p[2 + SATELLITE_MAX];
    eventfd_t count;

    if (timeout && host_cpu->tick_armed)
        tick_set(0);
    if (__atomic_load_n(&v->signals, __ATOMIC_ACQUIRE) ||
        __atomic_load_n(&v->kick, __ATOMIC_ACQUIRE))
        return;
    p[0] = (struct pollfd){.fd = host_cpu->wake_fd, .events = POLLIN};
    p[1] = (struct pollfd){.fd = watch ? host.ring->fd : -1, .events = POLLIN};
    for (unsigned i = 0; i < n; i++)
        p[2 + i] = (struct pollfd){.fd = v->inbox[i].fd, .events = POLLIN};
    if (ppoll(p, 2 + n, timeout < 0 ? NULL : &ts, NULL) <= 0)
        return;
    if (p[0].revents)
        (void)eventfd_read(host_cpu->wake_fd, &count);
    if (p[1].revents)
        host.ring->woken(host.ring);
    inboxes_fill(v->inbox, p + 2, n);
}
