/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cella run: a bundle, or any program in a development enclave.
 *
 * The exit status is the program's; if a signal killed it, the same signal kills this process, so
 * that a shell sees what it would see natively.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/argp.h"
#include "cli/ending.h"
#include "cli/launch.h"
#include "cli/say.h"
#include "cli/verbs.h"

static const struct argp_option options[] = {
    LAUNCH_OPTIONS,
    {0},
};

static const char doc[] =
    "Run PROGRAM, or the bundle that `cella sign` made, inside an SGX enclave.\v"
    "Options end at PROGRAM; what follows is passed to it.\n"
    "\n"
    "A PROGRAM without a manifest runs in a development enclave: no file is verified.\n"
    "\n"
    "Examples:\n"
    "  cella run /usr/bin/python3 -c 'print(1)'\n"
    "  cella run --trace=openat,read ls -l\n"
    "  cella sign python.manifest && cella run python.cella\n"
    "\n"
    "Exit status: the program's; 125 if Cella failed, 126 if PROGRAM cannot be executed, 127 if "
    "it was not found.  If a signal ends the program, it ends `cella run` too.\n";

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct launch *l = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        l->first = state->next - 1;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "nothing to run; name a PROGRAM or a BUNDLE");
        return EINVAL;
    default: return launch_option(l, key, arg, state);
    }
}

int verb_run(int argc, char **argv)
{
    static const struct argp argp = {options, parse_option, "PROGRAM [ARG…]\nBUNDLE [ARG…]", doc};
    static struct launch l = {.fd = -1, .opt.satellites = -1};
    argp_err_exit_status = EXIT_CELLA;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &l);
    if (l.cwd && chdir(l.cwd)) { /* before PROGRAM is looked up, as env -C does */
        say_error("--cwd=%s: %s", l.cwd, strerror(errno));
        return EXIT_CELLA;
    }
    int status = launch_find(&l, argv[l.first]);
    if (status)
        return status;
    if (!launch_prepare(&l, argc, argv))
        return EXIT_CELLA;
    l.opt.control_listen = -1;
    l.opt.finish = ending_as;
    (void)runtime_run(&l.opt);
    return EXIT_CELLA;
}
