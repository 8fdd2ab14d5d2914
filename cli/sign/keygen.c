/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cella keygen: makes an enclave signing key.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/argp.h"
#include "cli/mem.h"
#include "cli/paths.h"
#include "cli/say.h"
#include "cli/sign/key.h"
#include "cli/verbs.h"

struct keygen {
    const char *file;
    bool force;
};

static const struct argp_option options[] = {
    {"force", 'f', NULL, 0, "Replace the key if there is one", 0},
    {"quiet", 'q', NULL, 0, "Print nothing but errors", 0},
    {0},
};

static const char doc[] =
    "Make an RSA-3072 key that signs enclaves (FILE, or ~/.config/cella/enclave-key.pem).\v"
    "Whoever has the key can sign enclaves with your MRSIGNER: keep it secret.\n"
    "\n"
    "Examples:\n"
    "  cella keygen\n"
    "  cella keygen -f build/test-key.pem";

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct keygen *k = state->input;
    switch (key) {
    case 'f': k->force = true; return 0;
    case 'q': say_level = -1; return 0;
    case ARGP_KEY_ARG:
        if (k->file)
            argp_error(state, "more than one FILE");
        k->file = arg;
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int keygen(const char *path, bool force)
{
    if (!force && !access(path, F_OK)) {
        say_error("%s: there is a key already; -f replaces it", path);
        return EXIT_CELLA;
    }
    EVP_PKEY *key = key_generate();
    if (!key)
        return EXIT_CELLA;
    int err = key_store(key, path, force);
    EVP_PKEY_free(key);
    if (err) {
        say_error("cannot write the key %s: %s", path, strerror(-err));
        return EXIT_CELLA;
    }
    say_note("new signing key in %s", path);
    return 0;
}

int verb_keygen(int argc, char **argv)
{
    static const struct argp argp = {options, parse_option, "[FILE]", doc};
    struct keygen k = {0};
    argp_err_exit_status = EXIT_CELLA;
    argp_parse(&argp, argc, argv, 0, NULL, &k);
    char *path = k.file ? mem_string(k.file) : paths_config("enclave-key.pem");
    if (!path) {
        say_error("neither HOME nor XDG_CONFIG_HOME is set; name a FILE");
        return EXIT_CELLA;
    }
    if (!k.file)
        paths_make_parents(path);
    int status = keygen(path, k.force);
    free(path);
    return status;
}
