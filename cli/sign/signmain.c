/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cella-sign: the verbs that need the crypto library.  `cella` executes it with its own arguments.
 */
#include <stdio.h>
#include <string.h>

#include "cli/say.h"
#include "cli/verbs.h"

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } verbs[] = {{"sign", verb_sign}, {"keygen", verb_keygen}, {"dev", verb_dev}};
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++) {
        char name[32];
        if (strcmp(argv[1], verbs[i].name) != 0)
            continue;
        snprintf(name, sizeof name, "cella %s", argv[1]);
        argv[1] = name;
        return verbs[i].run(argc - 1, argv + 1);
    }
    say_error("cella-sign is part of cella; use cella sign or cella keygen");
    return EXIT_CELLA;
}
