/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cella exec: another program in a live enclave, as if it had been started here: its standard streams are
 * ours, signals are passed on, job control works, and we end as it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "abi/host/control.h"
#include "cli/argp.h"
#include "cli/ending.h"
#include "cli/live/link.h"
#include "cli/mem.h"
#include "cli/say.h"
#include "cli/variable.h"
#include "cli/verbs.h"
#include "lib/control.h"

#ifndef TIOCGDEV
#define TIOCGDEV 0x80045432
#endif
#define PTS_MAJOR 136 /* and seven more */

extern char **environ;

struct exec {
    const char *id, *cwd;
    char **program; /* its argv */
    bool detach;
    int tty; /* our terminal; -1: none */
    struct link link;
    sigset_t passed; /* signals that we pass on */
    int signals;     /* a signalfd for them */
};

static const struct argp_option options[] = {
    {"env", 'e', "NAME[=VALUE]", 0,
     "Set a variable of the program's environment; without =VALUE remove it", 0},
    {"cwd", 'C', "DIR", 0, "Start the program in DIR, seen from inside", 0},
    {"detach", 'd', NULL, 0, "Print the program's process number and leave it alone", 0},
    {"quiet", 'q', NULL, 0, "Print nothing of our own but errors", 0},
    {0},
};

static const char doc[] =
    "Run PROGRAM in a live enclave that `cella start` has started.\v"
    "It has our standard streams; signals that the enclave lets in are passed on.  Its program, "
    "arguments, environment and directory are the caller's as far as the enclave's manifest "
    "permits "
    "(cella.exec, loader.insecure__use_cmdline_argv …).\n"
    "\n"
    "Examples:\n"
    "  cella exec build make -j4\n"
    "  cella exec -C /tmp build -- sh -c 'ls | wc -l'\n"
    "  cella exec -d build sleep 1000\n"
    "\n"
    "Exit status: the program's; 125 if Cella failed, 126 if PROGRAM cannot be executed, 127 if it "
    "was not found.  If a signal ends the program, it ends `cella exec` too.\n";

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct exec *e = state->input;
    switch (key) {
    case 'q': say_level = -1; return 0;
    case 'e': variable_option(arg, state); return 0;
    case 'C': e->cwd = arg; return 0;
    case 'd': e->detach = true; return 0;
    case ARGP_KEY_ARG:
        e->id = arg;
        if (state->next < state->argc && !strcmp(state->argv[state->next], "--"))
            state->next++;
        if (state->next == state->argc)
            argp_error(state, "nothing to run; name a PROGRAM");
        e->program = state->argv + state->next;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "in which enclave?  cella list shows them");
        return EINVAL;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* --- the request --------------------------------------------------------------------------- */

struct text {
    char *p;
    size_t n, room;
};

static void add(struct text *t, const char *s)
{
    size_t n = strlen(s) + 1;
    if (t->n + n > t->room) {
        t->room = 2 * (t->n + n);
        t->p = mem_grow(t->p, t->room, 1);
    }
    memcpy(t->p + t->n, s, n);
    t->n += n;
}

static uint32_t add_all(struct text *t, char **v)
{
    uint32_t n = 0;
    for (; v[n]; n++)
        add(t, v[n]);
    return n;
}

/* Absolute: what is relative starts at our own directory. */
static char *directory(const char *cwd)
{
    char here[PATH_MAX];
    if (cwd && cwd[0] == '/')
        return mem_string(cwd);
    if (!getcwd(here, sizeof here) || here[0] != '/')
        snprintf(here, sizeof here, "/");
    return cwd ? mem_format("%s/%s", here, cwd) : mem_string(here);
}

/*
 * Our controlling terminal, by its own name: what /dev/tty is depends on who asks.  -1: there is none, or
 * none that has a name.
 */
static int terminal(void)
{
    char path[32];
    struct stat st;
    unsigned dev = 0;
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int err = ioctl(fd, TIOCGDEV, &dev);
    close(fd);
    if (err)
        return -1;
    bool pair = major(dev) >= PTS_MAJOR && major(dev) < PTS_MAJOR + 8;
    snprintf(path, sizeof path, pair ? "/dev/pts/%u" : "/dev/tty%u", minor(dev));
    fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &st) || st.st_rdev != makedev(major(dev), minor(dev)))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Somebody else has our terminal: what reads it in our name must stop, as we would. */
static bool in_background(const struct exec *e)
{
    pid_t group = e->tty >= 0 ? tcgetpgrp(e->tty) : -1;
    return group >= 0 && group != getpgrp();
}

/* Those of our standard descriptors that are open, and our terminal; one that was closed is only reserved (O_PATH). */
static unsigned descriptors(int tty, int fds[HOST_CONTROL_FDS], uint32_t *mask)
{
    unsigned n = 0;
    *mask = 0;
    for (int fd = 0; fd < 3; fd++) {
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || flags & O_PATH)
            continue;
        fds[n++] = fd;
        *mask |= 1U << fd;
    }
    if (tty >= 0) {
        fds[n++] = tty;
        *mask |= 1U << HOST_CONTROL_TTY;
    }
    return n;
}

static bool send_request(struct exec *e)
{
    struct wire_exec w = {.flags = (e->detach ? WIRE_DETACH : 0) |
                                   (in_background(e) ? WIRE_BACKGROUND : 0)};
    struct text t = {0};
    int fds[HOST_CONTROL_FDS];
    char *cwd = directory(e->cwd);
    mode_t mask = umask(0);
    umask(mask);
    w.umask = mask;
    unsigned nfds = descriptors(e->tty, fds, &w.fds);
    add(&t, e->program[0]);
    add(&t, cwd);
    w.argc = add_all(&t, e->program);
    w.envc = add_all(&t, environ);
    free(cwd);
    if (t.n > HOST_CONTROL_DATA_MAX) {
        say_error("%s: arguments and environment are too long", e->program[0]);
        return false;
    }
    struct iovec v[] = {{&w, sizeof w}, {t.p, t.n}};
    /* The server may refuse it half way: then it says why. */
    (void)link_send_fds(&e->link, WIRE_EXEC, v, 2, fds, nfds);
    free(t.p);
    return true;
}

/* --- signals ------------------------------------------------------------------------------- */

/* What is ignored stays so (nohup); the rest waits for us in a descriptor. */
static void signals_take(struct exec *e)
{
    static const int some[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
                               SIGUSR2, SIGALRM, SIGCONT, SIGTSTP, SIGWINCH};
    struct sigaction old;
    sigemptyset(&e->passed);
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
        if (!sigaction(some[i], NULL, &old) && old.sa_handler != SIG_IGN)
            sigaddset(&e->passed, some[i]);
    sigprocmask(SIG_BLOCK, &e->passed, NULL);
    e->signals = signalfd(-1, &e->passed, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void tell_ground(struct exec *e)
{
    if (e->tty >= 0)
        (void)link_send_number(&e->link, WIRE_GROUND, in_background(e));
}

/* What our terminal sends is for the whole job; what somebody sends us is for the program. */
static void pass_signals(struct exec *e)
{
    struct signalfd_siginfo s;
    while (read(e->signals, &s, sizeof s) == sizeof s) {
        if (s.ssi_signo == SIGCONT)
            tell_ground(e);
        (void)link_send_number(&e->link, WIRE_SIGNAL,
                               s.ssi_signo | (s.ssi_code == SI_KERNEL ? WIRE_GROUP : 0));
    }
}

/* The program has stopped, and so do we, in a way that our shell understands; until SIGCONT. */
static void halt(struct exec *e, int sig)
{
    const struct timespec now = {0};
    sigset_t one, cont;
    if (sig != SIGSTOP && sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU)
        sig = SIGSTOP;
    sigemptyset(&one);
    sigaddset(&one, sig);
    /* A job that was in the background may have come to the foreground without a word to us. */
    if ((sig != SIGTTIN && sig != SIGTTOU) || e->tty < 0 || in_background(e)) {
        if (sig != SIGSTOP)
            signal(sig, SIG_DFL);
        raise(sig); /* takes effect when it is unblocked */
        sigprocmask(SIG_UNBLOCK, &one, NULL);
        sigprocmask(SIG_BLOCK, &e->passed, NULL);
    }
    tell_ground(e);
    sigemptyset(&cont);
    sigaddset(&cont, SIGCONT);
    (void)sigtimedwait(&cont, NULL, &now);
    (void)link_send_number(&e->link, WIRE_SIGNAL, SIGCONT | WIRE_GROUP);
}

/* --- to its end ---------------------------------------------------------------------------- */

/* -1, or our exit status. */
static int act(struct exec *e)
{
    const struct wire_in *in = &e->link.in;
    uint32_t n = wire_number(in);
    switch (in->head.kind) {
    case WIRE_STARTED:
        if (!e->detach)
            return -1;
        printf("%u\n", n);
        return fflush(stdout) ? EXIT_CELLA : 0;
    case WIRE_FAILED:
        say_error("%.*s", (int)(in->have - sizeof n), in->data + sizeof n);
        return n >= EXIT_CELLA && n <= EXIT_NOT_FOUND ? (int)n : EXIT_CELLA;
    case WIRE_ENDED: ending_as((int)n);
    case WIRE_HALTED: halt(e, (int)n); return -1;
    default: return -1;
    }
}

static int attend(struct exec *e)
{
    for (;;) {
        struct pollfd p[2] = {{.fd = e->link.sock, .events = POLLIN},
                              {.fd = e->signals, .events = POLLIN}};
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return EXIT_CELLA;
        if (p[1].revents)
            pass_signals(e);
        if (!p[0].revents)
            continue;
        enum link_state s = link_receive(&e->link, false);
        int status = s == LINK_MESSAGE ? act(e) : -1;
        if (status >= 0)
            return status;
        if (s == LINK_CLOSED) {
            if (e->link.in.head.kind != WIRE_REFUSED)
                say_error("%s has ended", e->id);
            return EXIT_CELLA;
        }
    }
}

int verb_exec(int argc, char **argv)
{
    static const struct argp argp = {options, parse_option, "NAME [--] PROGRAM [ARG…]", doc};
    static struct exec e;
    argp_err_exit_status = EXIT_CELLA;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &e);
    if (!link_open(&e.link, e.id))
        return EXIT_CELLA;
    signals_take(&e);
    e.tty = terminal();
    return send_request(&e) ? attend(&e) : EXIT_CELLA;
}
