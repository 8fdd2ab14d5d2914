/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cella stop: SIGTERM to all processes of a live enclave, SIGKILL after a while.  The host process sees to
 * that; what does not end in spite of it is killed from here.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/argp.h"
#include "cli/live/link.h"
#include "cli/live/place.h"
#include "cli/say.h"
#include "cli/verbs.h"

#define TIME_DEFAULT 10
#define TIME_MAX 86400
#define GRACE 10 /* seconds that the host process has to end the enclave by itself */

struct stop {
    unsigned seconds;
    int first;
};

static const struct argp_option options[] = {
    {"quiet", 'q', NULL, 0, "Print nothing of our own but errors", 0},
    {"time", 't', "SECONDS", 0, "From SIGTERM to SIGKILL (10)", 0},
    {0},
};

static const char doc[] =
    "End live enclaves: SIGTERM to all their processes, and SIGKILL to those that are left after a "
    "while.\v"
    "A bundle that does not let SIGTERM in (cella.host_signals, sys.enable_sigterm_injection) is "
    "ended at once.\n"
    "\n"
    "Examples:\n"
    "  cella stop build\n"
    "  cella stop -t 60 database\n";

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct stop *s = state->input;
    char *end;
    switch (key) {
    case 'q': say_level = -1; return 0;
    case 't': {
        unsigned long n = strtoul(arg, &end, 10);
        if (*end || end == arg || n > TIME_MAX)
            argp_error(state, "--time=%s: not a number of seconds up to %d", arg, TIME_MAX);
        s->seconds = (unsigned)n;
        return 0;
    }
    case ARGP_KEY_ARG:
        s->first = state->next - 1;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "which enclave?  cella list shows them"); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000L + ts.tv_nsec / 1000000;
}

/* Until the server closes; false: it does not in time. */
static bool await_close(struct link *l, int64_t until)
{
    for (;;) {
        struct pollfd p = {.fd = l->sock, .events = POLLIN};
        int64_t left = until - now_ms();
        if (left <= 0)
            return false;
        if (poll(&p, 1, (int)left) > 0 && link_receive(l, false) == LINK_CLOSED)
            return true;
    }
}

/* The lock goes when the last of its threads has ended. */
static bool await_end(const char *name, int64_t until)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    while (place_lives(name)) {
        if (now_ms() > until)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

static bool stop_one(const struct stop *s, const char *name)
{
    struct link l;
    if (!link_open(&l, name))
        return false;
    int64_t until = now_ms() + (s->seconds + GRACE) * 1000L;
    bool ended = link_send_number(&l, WIRE_STOP, s->seconds) && await_close(&l, until);
    if (!(ended && await_end(name, until)) && place_lives(name)) {
        say_note("%s does not end: killing its host process %d", name, l.pid);
        kill(l.pid, SIGKILL);
        ended = await_end(name, now_ms() + GRACE * 1000L);
    }
    link_close(&l);
    if (!ended)
        say_error("%s: cannot be ended", name);
    return ended;
}

int verb_stop(int argc, char **argv)
{
    static const struct argp argp = {options, parse_option, "NAME…", doc};
    struct stop s = {.seconds = TIME_DEFAULT};
    bool ok = true;
    argp_err_exit_status = EXIT_CELLA;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &s);
    for (int i = s.first; i < argc; i++)
        ok &= stop_one(&s, argv[i]);
    return ok ? 0 : EXIT_CELLA;
}
