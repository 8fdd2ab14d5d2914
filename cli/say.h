/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tools say to their user: one line on standard error that begins with "cella: ".
 */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include <stdbool.h>

/* Exit statuses of `cella` itself, as env(1) and docker have them. */
#define EXIT_CELLA 125     /* Cella failed, or was used wrongly */
#define EXIT_NOT_EXEC 126  /* the program was found but cannot be run */
#define EXIT_NOT_FOUND 127 /* no such program */

/* -1 quiet, 0 normal, 1 and more verbose. */
extern int say_level;

/* Always printed. */
void say_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Printed unless quiet. */
void say_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Printed when verbose. */
void say_detail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
