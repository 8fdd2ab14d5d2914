/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection to a live enclave: messages of host/control/wire.h, sent and received. */
#ifndef CLI_LIVE_LINK_H
#define CLI_LIVE_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "host/control/wire.h"

struct iovec;

struct link {
    const char *name; /* of the enclave */
    int sock;
    int pid; /* of its host process */
    struct wire_in in;
};

/* False after a message. */
bool link_open(struct link *l, const char *name);
void link_close(struct link *l);

/* Sends a message of n pieces, with descriptors if nfds > 0; false: the server is gone. */
bool link_send(struct link *l, enum wire_kind kind, const struct iovec *data, int n);
bool link_send_fds(struct link *l, enum wire_kind kind, const struct iovec *data, int n,
                   const int *fds, unsigned nfds);
bool link_send_number(struct link *l, enum wire_kind kind, uint32_t number);

enum link_state { LINK_MESSAGE, LINK_NOTHING, LINK_CLOSED };
/*
 * The next message, in l->in until the next call; LINK_NOTHING: none is complete yet, and `wait` is
 * false.  What the server refuses is said, and is LINK_CLOSED.
 */
enum link_state link_receive(struct link *l, bool wait);

#endif
