/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cella start: an enclave that lives on, for `cella exec`, `ps` and `stop`.
 *
 * The host process goes to the background before it builds the enclave.  The one that was started waits
 * for its word that the enclave is ready, and passes on what it has said until then.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/argp.h"
#include "cli/ending.h"
#include "cli/launch.h"
#include "cli/live/place.h"
#include "cli/mem.h"
#include "cli/say.h"
#include "cli/verbs.h"

struct start {
    struct launch l; /* first */
    const char *name, *log;
    bool foreground;
};

enum { OPT_LOG = LAUNCH_OWN, OPT_IDLE };

static const struct argp_option options[] = {
    LAUNCH_OPTIONS,
    {"name", 'n', "NAME", 0, "The enclave's name (the program's or bundle's, or with a number)", 0},
    {"idle", OPT_IDLE, NULL, 0, "Do not run the bundle's program: only what cella exec asks for",
     0},
    {"foreground", 'f', NULL, 0, "Stay in the foreground, with this terminal", 0},
    {"log", OPT_LOG, "FILE", 0, "Write what the program and Cella print to FILE", 0},
    {0},
};

static const char doc[] =
    "Start an enclave that lives on, and print its name.\v"
    "With a BUNDLE its program runs, with a PROGRAM that one, in a development enclave; the "
    "enclave "
    "ends with it.  With neither, or with --idle, it runs nothing and lives until cella stop.\n"
    "\n"
    "Examples:\n"
    "  cella start server.cella\n"
    "  cella start -n build && cella exec build make && cella stop build\n"
    "  cella start -f --io=threads -- /usr/bin/python3 server.py\n"
    "\n"
    "Exit status: 0 when the enclave is ready, else as cella run; with --foreground always as "
    "cella run.\n";

static struct start st = {.l = {.fd = -1, .opt.satellites = -1}};
static struct place place;
static int ready_fd = -1;

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct start *s = state->input;
    switch (key) {
    case 'n': s->name = arg; return 0;
    case 'f': s->foreground = true; return 0;
    case OPT_IDLE: s->l.opt.idle = true; return 0;
    case OPT_LOG: s->log = arg; return 0;
    case ARGP_KEY_ARG:
        s->l.first = state->next - 1;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        s->l.first = state->argc;
        s->l.opt.idle = true;
        return 0;
    default: return launch_option(&s->l, key, arg, state);
    }
}

/* --- the host process ---------------------------------------------------------------------- */

static void ready(void)
{
    if (ready_fd >= 0) {
        (void)!write(ready_fd, "", 1);
        close(ready_fd);
        ready_fd = -1;
    } else {
        say_note("%s is ready", place.name);
    }
}

static void finish(int status)
{
    place_leave(&place);
    ending_as(status);
}

/* Each client has up to four descriptors here. */
static void raise_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur == r.rlim_max)
        return;
    r.rlim_cur = r.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &r);
}

static int serve(struct start *s)
{
    raise_limit();
    (void)runtime_run(&s->l.opt);
    place_leave(&place);
    return EXIT_CELLA;
}

/* --- going to the background ---------------------------------------------------------------- */

static int open_log(const struct start *s)
{
    if (!s->log)
        return place_log(&place);
    int fd = open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        say_error("--log=%s: %s", s->log, strerror(errno));
    return fd;
}

/* What the host process has said since `from`: all of it, or only what Cella has. */
static void pass_on(const char *log, off_t from, bool all)
{
    char *line = NULL;
    size_t room = 0;
    FILE *f = fopen(log, "re");
    if (!f)
        return;
    fseeko(f, from, SEEK_SET);
    while (getline(&line, &room, f) > 0)
        if (all || !strncmp(line, "cella: ", 7))
            fputs(line, stderr);
    free(line);
    fclose(f);
}

/* The child says that the enclave is ready, or ends. */
static int await(pid_t child, int ready_end, int log)
{
    char byte, path[32];
    int status;
    off_t from = lseek(log, 0, SEEK_END);
    ssize_t n;
    do
        n = read(ready_end, &byte, 1);
    while (n < 0 && errno == EINTR);
    snprintf(path, sizeof path, "/proc/self/fd/%d", log);
    pass_on(path, from, n != 1);
    if (n == 1) {
        puts(place.name);
        return fflush(stdout) ? EXIT_CELLA : 0;
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_CELLA;
    ending_as(status);
}

static void detach(int log)
{
    int null = open("/dev/null", O_RDONLY);
    setsid();
    dup2(null, 0);
    dup2(log, 1);
    dup2(log, 2);
    if (null > 2)
        close(null);
    close(log);
}

static int in_background(struct start *s)
{
    int ends[2], log = open_log(s);
    if (log < 0)
        return EXIT_CELLA;
    fflush(NULL);
    pid_t child = pipe2(ends, O_CLOEXEC) ? -1 : fork();
    if (child < 0) {
        say_error("cannot go to the background: %s", strerror(errno));
        return EXIT_CELLA;
    }
    if (child) {
        close(ends[1]);
        close(s->l.opt.control_listen); /* or whoever connects would wait for us */
        return await(child, ends[0], log);
    }
    close(ends[0]);
    ready_fd = ends[1];
    detach(log);
    return serve(s);
}

/* A program that exec cannot add to is of no use. */
static bool useful(const struct start *s)
{
    if (!s->l.opt.idle || config_may_exec_some(s->l.opt.config))
        return true;
    say_error("%s: lets nothing run beside its program, so --idle is of no use; sign it with "
              "cella.exec = [ … ]",
              s->l.target);
    return false;
}

int verb_start(int argc, char **argv)
{
    static const struct argp argp = {options, parse_option,
                                     "[PROGRAM [ARG…]]\nBUNDLE [ARG…]\n--idle BUNDLE", doc};
    argp_err_exit_status = EXIT_CELLA;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &st);
    if (st.l.cwd && chdir(st.l.cwd)) {
        say_error("--cwd=%s: %s", st.l.cwd, strerror(errno));
        return EXIT_CELLA;
    }
    const char *what = st.l.first < argc ? argv[st.l.first] : NULL;
    int status = what ? launch_find(&st.l, what) : 0;
    if (status)
        return status;
    if (!launch_prepare(&st.l, argc, argv) || !useful(&st))
        return EXIT_CELLA;
    if (!place_take(&place, st.name, what ? what : "dev"))
        return EXIT_CELLA;
    st.l.opt.control_listen = place_listen(&place);
    if (st.l.opt.control_listen < 0)
        return EXIT_CELLA;
    st.l.opt.control_about = what ? st.l.target : "";
    st.l.opt.control_ready = ready;
    st.l.opt.finish = finish;
    return st.foreground ? serve(&st) : in_background(&st);
}
