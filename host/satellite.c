/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Satellites: enclaves of their own for programs that cannot run beside each other in one.
 *
 *   base ──vfork, exec──► cella satellite: builds the same enclave, enters it as a satellite
 *     └────── link ───────────┘             (AF_UNIX, SOCK_SEQPACKET)
 *
 * A process that has built an enclave has threads, handlers and mappings that no child can use, so a satellite is this
 * executable, run anew; all that it has to know lies in a memory file (plan.h), which is made for the first one.  A
 * program that needs none pays nothing.
 *
 * Each is a process group of its own, so that the terminal's signals go to the base alone, and blocks the others:
 * what a signal means, the base decides.  It has nothing that the base has inherited but the base's log, for the
 * kernel's last words; since who reads that through a pipe would wait for satellites too, the base waits until they are
 * gone (satellites_end).  They die with the base, whatever ends it, and by themselves when their link ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/plan.h"
#include "host/runtime_impl.h"

/* As much as the host allows: at least four messages of HOST_LINK_MAX on their way with Linux's defaults. */
#define LINK_BUFFER (1 << 20)

/* A satellite's descriptors. */
enum { FD_LINK = 3, FD_PLAN, FD_LOG, FD_TRACE, FD_END };

extern char **environ;

static struct {
    pthread_mutex_t lock;
    pid_t pids[SATELLITE_MAX]; /* [lock] not waited for yet; 0: nobody */
    int links[SATELLITE_MAX];  /* [lock] our end of each one's */
    int plan;                  /* [lock] 0: not made yet */
} satellites = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- the base ------------------------------------------------------------------------------ */

unsigned satellites_wanted(void)
{
    unsigned cpus = cpu_count();

    if (host.link_fd >= 0)
        return 0;
    if (host.options->satellites >= 0)
        return (unsigned)host.options->satellites;
    if (cpus < 2 || vcpus_wanted() < 2)
        return 0;
    /* One more could only take its CPU from those that compute in the base. */
    return cpus - 1 < SATELLITE_MAX ? cpus - 1 : SATELLITE_MAX;
}

/*
 * In the child of a vfork, which has the parent's memory: system calls only.  The parent may have ended before
 * the child was tied to it.
 */
static void become_satellite(const int fds[FD_END], pid_t base)
{
    static char name[] = "cella", verb[] = "satellite", *const argv[] = {name, verb, NULL};
    int high[FD_END];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    for (int fd = FD_LINK; fd < FD_END; fd++)
        high[fd] = fcntl(fds[fd], F_DUPFD_CLOEXEC, FD_END);
    for (int fd = FD_LINK; fd < FD_END; fd++)
        if (high[fd] < 0 || dup2(high[fd], fd) < 0)
            close(fd);
    if (syscall(SYS_close_range, 0, FD_LINK - 1, 0) || syscall(SYS_close_range, FD_END, ~0U, 0) ||
        getppid() != base)
        return;
    execve("/proc/self/exe", argv, environ);
}

static pid_t spawn(int link)
{
    const int fds[FD_END] = {[FD_LINK] = link,
                             [FD_PLAN] = satellites.plan,
                             [FD_LOG] = host.log_fd,
                             [FD_TRACE] = host.trace_fd};
    pid_t base = getpid();
    sigset_t old;

    signals_block_all(&old); /* for good there; and no handler may run in the child */
    /* posix_spawn can neither tie it to us nor close what it does not know. NOLINTNEXTLINE(clang-analyzer-*) */
    pid_t pid = vfork();
    if (pid == 0) {
        become_satellite(fds, base); /* NOLINT(clang-analyzer-unix.Vfork): system calls only */
        _exit(125);
    }
    int err = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return pid < 0 ? -err : pid;
}

/* A free place, after those that have ended have left theirs; NULL: there is none. */
static pid_t *place_find(void)
{
    pid_t *place = NULL;

    for (unsigned i = 0; i < SATELLITE_MAX; i++) {
        if (satellites.pids[i] && waitpid(satellites.pids[i], NULL, WNOHANG))
            satellites.pids[i] = 0;
        if (!satellites.pids[i])
            place = &satellites.pids[i];
    }
    return place;
}

static int start_locked(const int ends[2])
{
    pid_t *place = place_find();

    if (!place)
        return -EAGAIN;
    if (!satellites.plan) {
        int plan = plan_make();
        if (plan < 0)
            return plan;
        satellites.plan = plan;
    }
    pid_t pid = spawn(ends[1]);
    if (pid < 0)
        return pid;
    *place = pid;
    satellites.links[place - satellites.pids] = ends[0];
    return 0;
}

int satellite_start(void)
{
    static const int buffer = LINK_BUFFER;
    int ends[2];

    if (host.link_fd >= 0)
        return -ENOSYS;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
        return -errno;
    for (int i = 0; i < 2; i++)
        (void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
    pthread_mutex_lock(&satellites.lock);
    int err = start_locked(ends);
    pthread_mutex_unlock(&satellites.lock);
    close(ends[1]);
    if (!err)
        return ends[0];
    close(ends[0]);
    return err;
}

static void signal_all(int sig)
{
    for (unsigned i = 0; i < SATELLITE_MAX; i++)
        if (satellites.pids[i])
            kill(satellites.pids[i], sig);
}

/* One that has ended may have had the same descriptor: it is not waited for yet, and hears nothing. */
int satellite_kick(int link)
{
    int ret = -ENOENT;

    pthread_mutex_lock(&satellites.lock);
    for (unsigned i = 0; i < SATELLITE_MAX; i++)
        if (satellites.pids[i] && satellites.links[i] == link)
            ret = kill(satellites.pids[i], TICK_SIGNAL) ? -errno : 0;
    pthread_mutex_unlock(&satellites.lock);
    return ret;
}

void satellites_signal(int sig)
{
    pthread_mutex_lock(&satellites.lock);
    signal_all(sig);
    pthread_mutex_unlock(&satellites.lock);
}

void satellites_end(void)
{
    pthread_mutex_lock(&satellites.lock); /* for good: no more are started */
    signal_all(SIGKILL);
    for (unsigned i = 0; i < SATELLITE_MAX; i++)
        while (satellites.pids[i] && waitpid(satellites.pids[i], NULL, 0) < 0 && errno == EINTR)
            ;
}

/* --- the satellite ------------------------------------------------------------------------- */

static void finish(int status)
{
    (void)status;
    _exit(0);
}

static void einit_refused(const struct runtime_options *o, int sgx_error)
{
    (void)o;
    host_say("the satellite's signature is not valid (SGX error %d)", sgx_error);
}

/* A receive may wait here (vcpu_receive).  With a time limit, whichever, a signal ends it: signal(7). */
static void link_blocks(void)
{
    static const struct timeval limit = {.tv_sec = 3600};
    int flags = fcntl(FD_LINK, F_GETFL);

    (void)fcntl(FD_LINK, F_SETFL, flags & ~O_NONBLOCK);
    (void)setsockopt(FD_LINK, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

static int open_or_none(int fd)
{
    return fcntl(fd, F_GETFD) < 0 ? -1 : fd;
}

/*
 * That there is no satellite is no failure of the program's, which stays where it is: the reason is told only
 * to who wants to know more.
 */
int runtime_satellite(void)
{
    static struct runtime_options o;
    static struct enclave_layout l;

    host.log_fd = -1;
    host.link_fd = FD_LINK;
    if (open_or_none(FD_LINK) < 0 || plan_take(FD_PLAN, &o, &l))
        return -EINVAL;
    close(FD_PLAN);
    link_blocks();
    o.einit_refused = einit_refused;
    o.finish = finish;
    host.options = &o;
    host.trace_fd = open_or_none(FD_TRACE);
    if (o.verbosity > 0)
        host.log_fd = open_or_none(FD_LOG);
    int err = enclave_prepare();
    host.log_fd = open_or_none(FD_LOG);
    return err ? err : vcpu_run(0);
}
