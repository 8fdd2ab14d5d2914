/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cella-sign dev: signs the development enclave, for `cella run` (cli/dev/sign.c keeps the result).
 *
 * The key is made at the first use and kept as ~/.config/cella/dev-key.pem; where that cannot be
 * written a key is made for this once, which works but changes MRSIGNER.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/dev/dev.h"
#include "cli/paths.h"
#include "cli/say.h"
#include "cli/sign/key.h"
#include "cli/sign/signing.h"
#include "cli/verbs.h"

static EVP_PKEY *new_key(const char *path)
{
    EVP_PKEY *key = key_generate();
    if (!key || !path)
        return key;
    paths_make_parents(path);
    int err = key_store(key, path, false);
    if (!err)
        return key;
    if (err == -EEXIST) { /* another start was faster: its key counts */
        EVP_PKEY_free(key);
        return key_load(path);
    }
    say_detail("cannot keep the development key in %s: %s", path, strerror(-err));
    return key;
}

static EVP_PKEY *dev_key(void)
{
    char *path = paths_config("dev-key.pem");
    EVP_PKEY *key = path && !access(path, F_OK) ? key_load(path) : new_key(path);
    free(path);
    return key;
}

int verb_dev(int argc, char **argv)
{
    struct sign_data in = SIGN_DATA_DEFAULT;
    struct kernel_file kernel;
    struct sigstruct s;
    size_t len;
    if (argc != 3 || strcmp(argv[1], "--kernel") != 0 || !kernel_file_open(&kernel, argv[2]))
        return EXIT_CELLA;
    in.debug = true;
    EVP_PKEY *key = dev_key();
    void *config = dev_config(&len);
    bool ok = key && signing_make(&in, &kernel, config, len, key, &s) &&
              write(STDOUT_FILENO, &s, sizeof s) == sizeof s;
    free(config);
    EVP_PKEY_free(key);
    kernel_file_close(&kernel);
    return ok ? 0 : EXIT_CELLA;
}
