/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes over the socket of a live enclave: messages, each a head and its data.
 *
 *   client                       server
 *   EXEC with descriptors ──►    STARTED, HALTED …, then ENDED; or FAILED
 *   SIGNAL, GROUND … (after EXEC) ──►
 *   PS ──►                       LIST …, an empty one last
 *   ABOUT ──►                    ABOUT
 *   STOP ──►                     the connection closes when the enclave has ended
 *   anything else ──►            REFUSED, and the connection closes
 *
 * A connection is for one request.  EXEC's descriptors come with its first byte, as many as its `fds` has
 * bits.  Both ends are the same user's and of one machine: words are in its byte order.
 *
 * struct wire_in puts a message together from pieces of any size; it believes nothing, and holds no
 * more memory than twice what has come in.
 */
#ifndef HOST_CONTROL_WIRE_H
#define HOST_CONTROL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/host/control.h"

#define WIRE_VERSION 1

enum wire_kind {
    WIRE_EXEC = 1,   /* struct wire_exec, then lib/control.h's strings */
    WIRE_SIGNAL = 2, /* uint32_t: the signal, and WIRE_GROUP if it is for the process group */
    WIRE_PS = 3,     /* nothing */
    WIRE_ABOUT = 4,  /* asked: nothing; told: struct wire_about, then what runs, without a NUL */
    WIRE_STOP = 5,   /* uint32_t: seconds from SIGTERM to SIGKILL */
    WIRE_GROUND =
        6, /* uint32_t: 1: the client is in the background of its terminal; 0: it is not */

    WIRE_STARTED = 16, /* uint32_t: the pid inside */
    WIRE_FAILED = 17,  /* uint32_t: exit status; then why */
    WIRE_ENDED = 18,   /* uint32_t: wait status */
    WIRE_HALTED = 19,  /* uint32_t: the signal by which the process has stopped */
    WIRE_LIST = 20,    /* text */
    WIRE_REFUSED = 21, /* why */
};

struct wire_head {
    uint32_t len; /* of the data */
    uint16_t kind;
    uint16_t version;
};

#define WIRE_GROUP 0x100U

#define WIRE_DETACH 1U     /* the process stays when the client goes */
#define WIRE_BACKGROUND 2U /* as with GROUND */

struct wire_exec {
    uint32_t flags; /* WIRE_DETACH, WIRE_BACKGROUND */
    uint32_t fds;   /* bit n: descriptor n (HOST_CONTROL_FDS) comes along; the others are closed */
    uint32_t umask;
    uint32_t argc, envc;
};

struct wire_about {
    uint32_t pid; /* of the host process */
    uint32_t reserved;
    int64_t since; /* seconds since the epoch */
};

/* Who reads: that decides what may come. */
enum wire_side { WIRE_SERVER, WIRE_CLIENT };

struct wire_in {
    enum wire_side side;
    struct wire_head head;
    size_t head_have;
    char *data; /* `have` bytes; the reader may take it over and set it to NULL */
    size_t have, room;
};

/* Where the next bytes belong, and how many at most (at least 1).  NULL: out of memory. */
void *wire_room(struct wire_in *in, size_t *n);
/*
 * n bytes have come there: 1 when a message is complete, 0 when more must come, -EPROTO when it is
 * none that this side takes.
 */
int wire_got(struct wire_in *in, size_t n);
/* Ready for the next message; frees the data. */
void wire_next(struct wire_in *in);

/* The message's data as a number: those with one have exactly that, or a text behind it. */
uint32_t wire_number(const struct wire_in *in);

#endif
