/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `cella` command: picks the verb.
 *
 * This executable does not load the crypto library, which would cost every `cella run` about two
 * milliseconds; the verbs that need it live in cella-sign, which takes this process's place.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/paths.h"
#include "cli/say.h"
#include "cli/verbs.h"
#include "host/runtime.h"

struct verb {
    const char *name;
    int (*run)(int argc, char **argv); /* NULL: cella-sign has it */
    const char *help;
};

static const struct verb verbs[] = {
    {"run", verb_run, "run a program or a bundle inside an enclave"},
    {"start", verb_start, "start an enclave that lives on"},
    {"exec", verb_exec, "run another program in a live enclave"},
    {"stop", verb_stop, "end live enclaves"},
    {"ps", verb_ps, "show the processes of live enclaves"},
    {"list", verb_list, "show the live enclaves"},
    {"sign", NULL, "hash, measure and sign what a manifest describes: makes a bundle"},
    {"keygen", NULL, "make a signing key"},
    {"inspect", verb_inspect, "show what is in a bundle or a SIGSTRUCT"},
    {"doctor", verb_doctor, "show what this machine offers, and how to get what is missing"},
};

#define VERBS (sizeof verbs / sizeof verbs[0])

static void usage(FILE *f)
{
    fputs("Usage: cella VERB [OPTION…] …\n"
          "Runs unmodified Linux programs inside SGX enclaves.\n\n",
          f);
    for (size_t i = 0; i < VERBS; i++)
        fprintf(f, "  %-10s%s\n", verbs[i].name, verbs[i].help);
    fputs("\n"
          "`cella VERB --help` tells more about a verb, `cella --version` the version.\n"
          "\n"
          "Examples:\n"
          "  cella run /usr/bin/python3 -c 'print(1)'\n"
          "  cella keygen && cella sign python.manifest && cella run python.cella\n",
          f);
}

static int run_signer(int argc, char **argv)
{
    char *signer = paths_signer();
    (void)argc;
    execv(signer, argv); /* argv[0] is "cella", argv[1] the verb */
    say_error("cannot run %s: %s", signer, strerror(errno));
    return EXIT_CELLA;
}

/* Nearest verb for a typing mistake: same first letter, or NULL. */
static const char *guess(const char *word)
{
    for (size_t i = 0; i < VERBS; i++)
        if (verbs[i].name[0] == word[0])
            return verbs[i].name;
    return NULL;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    runtime_reserve_stdio();
    if (!word) {
        usage(stderr);
        return EXIT_CELLA;
    }
    if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
        usage(stdout);
        return 0;
    }
    if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
        puts("cella " CELLA_VERSION);
        return 0;
    }
    if (!strcmp(word, "satellite")) { /* not for people: host/satellite.c starts it */
        (void)runtime_satellite();
        return EXIT_CELLA;
    }
    for (size_t i = 0; i < VERBS; i++) {
        char name[32];
        if (strcmp(word, verbs[i].name) != 0)
            continue;
        if (!verbs[i].run)
            return run_signer(argc, argv);
        snprintf(name, sizeof name, "cella %s", word);
        argv[1] = name;
        return verbs[i].run(argc - 1, argv + 1);
    }
    const char *near = guess(word);
    say_error("no verb \"%s\"%s%s%s; see cella --help", word, near ? "; did you mean \"" : "",
              near ? near : "", near ? "\"?" : "");
    return EXIT_CELLA;
}
