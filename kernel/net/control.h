/* SPDX-License-Identifier: Apache-2.0 */
/* Control messages (cmsg) of sendmsg and recvmsg. */
#ifndef KERNEL_NET_CONTROL_H
#define KERNEL_NET_CONTROL_H

#include "kernel/net/rights.h"

/* What a program attached: -EINVAL, -EPERM (credentials of others), and what rights_new says.  On
 * failure nothing is held. */
MUST_CHECK int control_in(struct socket *s, uaddr_t buf, size_t len, struct scm *out);
/*
 * What came, as far as the socket's options ask for it, into *len bytes at buf; *len becomes what
 * was written.  *flags: MSG_CMSG_CLOEXEC is heeded, MSG_CTRUNC set.  Takes the rights.
 */
MUST_CHECK int control_out(struct socket *s, struct scm *scm, uaddr_t buf, uint64_t *len,
                           uint32_t *flags);

#endif
