/* SPDX-License-Identifier: Apache-2.0 */
/* Files of unit tests that tell nobody by signals. */
#include "kernel/vfs/async.h"

long async_fcntl(struct file *f, unsigned cmd, uaddr_t arg)
{
    (void)f;
    (void)cmd;
    (void)arg;
    return 0;
}

int async_owner_set(struct file *f, int who)
{
    (void)f;
    (void)who;
    return 0;
}

int async_owner_get(struct file *f)
{
    (void)f;
    return 0;
}

int async_switch(struct file *f, int fd, bool on)
{
    (void)f;
    (void)fd;
    (void)on;
    return 0;
}

void async_tell(struct file *f, uint32_t events)
{
    (void)f;
    (void)events;
}

void async_message(struct file *f, int fd)
{
    (void)f;
    (void)fd;
}

int async_owner_default(struct file *f)
{
    (void)f;
    return 0;
}

void async_free(struct file *f)
{
    (void)f;
}
