/* SPDX-License-Identifier: Apache-2.0 */
/* Making root processes: for first.c and control.c only.  See root.h. */
#ifndef KERNEL_PROC_ROOT_ROOT_IMPL_H
#define KERNEL_PROC_ROOT_ROOT_IMPL_H

#include "abi/host/control.h"
#include "kernel/proc/exec/strings.h"
#include "kernel/proc/root/given.h"
#include "lib/list.h"

#define ROOT_PATH_MAX 256

struct root {
    struct list link;        /* [roots_lock] */
    uint64_t id;             /* [I] the host's word for it; 0: the first */
    struct process *process; /* [I] from root_start on, a reference */

    /* Until its program runs, its own thread's: */
    struct given given;
    int fds[HOST_CONTROL_FDS]; /* host descriptors, owned; -1: none */
    bool background;           /* its client is in the background of its terminal */
    uint32_t umask;            /* taken if the host gives the ids */
    void *words;               /* what `given` points into; kfree'd; may be NULL */
    struct strings argv, envp;
    char found[ROOT_PATH_MAX]; /* the program, if it was looked for */
};

/* Zeroed, without descriptors; NULL: no memory. */
struct root *root_new(void) MUST_CHECK;
/* Gives up one that was not started, with its descriptors. */
void root_free(struct root *r);
/*
 * Makes its process.  0, and r is not the caller's any more; -ENOMEM, -EAGAIN (too many processes),
 * -EEXIST (the id is in use).
 */
MUST_CHECK int root_start(struct root *r);

/* The table (roots.c).  False: the id is in use. */
bool root_add(struct root *r);
void root_remove(struct root *r);

#endif
