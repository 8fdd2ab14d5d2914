/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: see message.h. */
#include "kernel/ipc/message.h"

#include <linux/errno.h>

#include "kernel/mm/heap.h"
#include "kernel/sys/usercopy.h"

int message_in(uaddr_t text, size_t n, int64_t type, struct message **out)
{
    struct message *m = kmalloc(sizeof(*m) + n);
    if (!m)
        return -ENOMEM;
    if (copy_in(m->text, text, n)) {
        kfree(m);
        return -EFAULT;
    }
    ref_init(&m->ref);
    m->type = type;
    m->sequence = 0;
    m->len = n;
    *out = m;
    return 0;
}

void message_put(struct message *m)
{
    if (ref_put(&m->ref))
        kfree(m);
}
