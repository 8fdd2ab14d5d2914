/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/variable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/argp.h"

void variable_option(char *arg, struct argp_state *state)
{
    if (arg[0] == '=' || !arg[0])
        argp_error(state, "-e %s: no variable's name; write -e NAME=VALUE", arg);
    if (strchr(arg, '=') ? putenv(arg) : unsetenv(arg))
        argp_error(state, "-e %s: %s", arg, strerror(errno));
}
