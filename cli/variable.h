/* SPDX-License-Identifier: Apache-2.0 */
/* -e NAME[=VALUE]: the program's environment is ours, changed so. */
#ifndef CLI_VARIABLE_H
#define CLI_VARIABLE_H

struct argp_state;

/* arg stays in the environment; does not return after an error. */
void variable_option(char *arg, struct argp_state *state);

#endif
