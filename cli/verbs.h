/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of `cella`, one file each.  argv[0] is the verb as it should stand in messages
 * ("cella run"); the result is the process's exit status.
 */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#define CELLA_VERSION "0.1.0"

/* In cella. */
int verb_run(int argc, char **argv);
int verb_start(int argc, char **argv);
int verb_exec(int argc, char **argv);
int verb_stop(int argc, char **argv);
int verb_ps(int argc, char **argv);
int verb_list(int argc, char **argv);
int verb_inspect(int argc, char **argv);
int verb_doctor(int argc, char **argv);

/* In cella-sign, which `cella` executes for them: only it needs the crypto library. */
int verb_sign(int argc, char **argv);
int verb_keygen(int argc, char **argv);
int verb_dev(int argc, char **argv);

#endif
