/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serving the clients of a live enclave (`cella exec`, `stop`, `ps`): a thread with a socket on one side, the
 * kernel's requests on the other.
 */
#ifndef HOST_CONTROL_CONTROL_H
#define HOST_CONTROL_CONTROL_H

#include <stdint.h>

struct host_control;
struct runtime_options;

/* Before the first entry, if o->control_listen >= 0.  0 or -errno; *fd is host_start.control_fd. */
int control_start(const struct runtime_options *o, int *fd);
/* The enclave has ended: clients get what is on its way to them, for a second at most. */
void control_end(void);

/* The ocalls control_next, control_data and control_tell. */
int64_t control_next(struct host_control *out); /* 1, or 0: there is none */
int64_t control_data(void *buf, uint64_t n, uint64_t off);
int64_t control_tell(uint64_t id, uint64_t what, int64_t value, const char *text, uint64_t n);

#endif
