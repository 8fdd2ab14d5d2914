/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host may ask of a live enclave that was started with HOST_FLAG_CONTROL, and what it is told.
 *
 * Requests: host_start.control_fd is a descriptor that is readable while there are any. The ocall
 * control_next brings the next one's struct host_control, control_data its data, which is there until the
 * next control_next. News go out by control_tell.
 *
 * A root process is a process that the host asked for. Its id is the host's own word for it; 0 is the
 * first process, the one of the configuration.
 */
#ifndef ABI_HOST_CONTROL_H
#define ABI_HOST_CONTROL_H

#include <stdint.h>

/* All data of one request: the arguments and the environment of a program, mostly. */
#define HOST_CONTROL_DATA_MAX (8U << 20)

/* Those of a program: its standard streams, and its controlling terminal. */
#define HOST_CONTROL_FDS 4
#define HOST_CONTROL_TTY 3

enum host_control_kind {
    HOST_CONTROL_EXEC = 1,   /* make a root process */
    HOST_CONTROL_SIGNAL = 2, /* send it a signal, as far as the configuration lets it in */
    HOST_CONTROL_PS = 3,     /* what processes are there? */
    HOST_CONTROL_STOP = 4,   /* SIGTERM: likewise, to all processes; SIGKILL: in any case. The
                              * enclave ends with the last of them */
    HOST_CONTROL_GROUND = 5, /* its client is in the background of its terminal, or is not */
};

struct host_control {
    uint64_t id;     /* EXEC: of the new root process; SIGNAL, GROUND: of one that is there */
    uint32_t kind;   /* enum host_control_kind */
    uint32_t signal; /* SIGNAL, STOP: 1 to 64 */
    /* EXEC: the host's descriptors, the enclave's from now on; -1: none */
    int32_t fds[HOST_CONTROL_FDS];
    uint32_t umask;    /* EXEC */
    uint32_t argc;     /* EXEC: arguments, argv[0] included … */
    uint32_t envc;     /* … and variables that lib/control.h finds in the data */
    uint32_t data_len; /* EXEC */
    uint32_t flags;    /* HOST_CONTROL_* below */
};

#define HOST_CONTROL_GROUP 1U      /* SIGNAL: to the process group, as a terminal sends it */
#define HOST_CONTROL_BACKGROUND 2U /* EXEC, GROUND: in the background */

/* What control_tell says of a request or a root process, with a value and perhaps a text. */
enum host_control_news {
    HOST_CONTROL_READY = 1,   /* id 0: requests are served from now on */
    HOST_CONTROL_STARTED = 2, /* EXEC: the pid */
    HOST_CONTROL_FAILED = 3,  /* EXEC: exit status 125 to 127; why */
    HOST_CONTROL_ENDED = 4,   /* a root process: its wait status */
    HOST_CONTROL_HALTED = 5,  /* a root process: the signal by which it has stopped */
    HOST_CONTROL_LIST = 6, /* PS: lines "pid ppid state ms command"; 1: more come, 0: that is all */
    HOST_CONTROL_DONE = 7, /* STOP: 1 if the signal was let in, else 0 */
};

#endif
