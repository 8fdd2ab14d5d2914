/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terminal requests on host streams.  Only requests in the table below cross; each moves a structure of a
 * known size, or a number.  The host answers -ENOTTY where there is no terminal.
 *
 * Process groups are the enclave's own: what the terminal's foreground group is inside is kept
 * here, while outside it is always the group of the cella process.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>

#include "kernel/fs/host/host_impl.h"
#include "kernel/proc/process.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#define WINSIZE_SIZE 8
#define TERMIO_SIZE 18

enum arg_kind { ARG_IN, ARG_OUT, ARG_VALUE };

struct tty_request {
    unsigned cmd;
    enum arg_kind kind;
    unsigned size;
};

static const struct tty_request tty_requests[] = {
    {TCGETS, ARG_OUT, sizeof(struct termios)},
    {TCSETS, ARG_IN, sizeof(struct termios)},
    {TCSETSW, ARG_IN, sizeof(struct termios)},
    {TCSETSF, ARG_IN, sizeof(struct termios)},
    {TCGETS2, ARG_OUT, sizeof(struct termios2)},
    {TCSETS2, ARG_IN, sizeof(struct termios2)},
    {TCSETSW2, ARG_IN, sizeof(struct termios2)},
    {TCSETSF2, ARG_IN, sizeof(struct termios2)},
    {TCGETA, ARG_OUT, TERMIO_SIZE},
    {TCSETA, ARG_IN, TERMIO_SIZE},
    {TCSETAW, ARG_IN, TERMIO_SIZE},
    {TCSETAF, ARG_IN, TERMIO_SIZE},
    {TIOCGWINSZ, ARG_OUT, WINSIZE_SIZE},
    {TIOCSWINSZ, ARG_IN, WINSIZE_SIZE},
    {FIONREAD, ARG_OUT, 4},
    {TIOCOUTQ, ARG_OUT, 4},
    {TIOCGETD, ARG_OUT, 4},
    {TIOCMGET, ARG_OUT, 4},
    {TCSBRK, ARG_VALUE, 0},
    {TCSBRKP, ARG_VALUE, 0},
    {TCXONC, ARG_VALUE, 0},
    {TCFLSH, ARG_VALUE, 0},
    {TIOCEXCL, ARG_VALUE, 0},
    {TIOCNXCL, ARG_VALUE, 0},
};

/* One controlling terminal; 0: the first process's group. */
static int foreground; /* [a] */

static const struct tty_request *request_find(unsigned cmd)
{
    for (size_t i = 0; i < ARRAY_SIZE(tty_requests); i++)
        if (tty_requests[i].cmd == cmd)
            return &tty_requests[i];
    return NULL;
}

static bool is_terminal(int fd)
{
    char buf[sizeof(struct termios)];
    return ocall_ioctl(fd, TCGETS, buf, 0, sizeof(buf)) >= 0;
}

static long group_get(int fd, uaddr_t arg)
{
    int pgrp = __atomic_load_n(&foreground, __ATOMIC_RELAXED);
    if (!is_terminal(fd))
        return -ENOTTY;
    if (!pgrp)
        pgrp = kernel.first->pgid;
    return copy_out(arg, &pgrp, sizeof(pgrp));
}

static long group_set(int fd, uaddr_t arg)
{
    int pgrp;
    if (!is_terminal(fd))
        return -ENOTTY;
    if (copy_in(&pgrp, arg, sizeof(pgrp)))
        return -EFAULT;
    if (pgrp <= 0)
        return -EINVAL;
    __atomic_store_n(&foreground, pgrp, __ATOMIC_RELAXED);
    return 0;
}

static long session_get(int fd, uaddr_t arg)
{
    int sid = current_process()->sid;
    if (!is_terminal(fd))
        return -ENOTTY;
    return copy_out(arg, &sid, sizeof(sid));
}

static long request_forward(int fd, const struct tty_request *r, uaddr_t arg)
{
    char buf[64] = {0};
    uint64_t value = (uint32_t)arg;
    long ret;
    switch (r->kind) {
    case ARG_VALUE: return ocall_ioctl(fd, r->cmd, &value, sizeof(value), 0);
    case ARG_IN:
        if (copy_in(buf, arg, r->size))
            return -EFAULT;
        return ocall_ioctl(fd, r->cmd, buf, r->size, 0);
    default:
        ret = ocall_ioctl(fd, r->cmd, buf, 0, r->size);
        return ret < 0 ? ret : copy_out(arg, buf, r->size);
    }
}

long host_tty_ioctl(int fd, unsigned cmd, uaddr_t arg)
{
    switch (cmd) {
    case TIOCGPGRP: return group_get(fd, arg);
    case TIOCSPGRP: return group_set(fd, arg);
    case TIOCGSID: return session_get(fd, arg);
    case TIOCSCTTY:
    case TIOCNOTTY: return is_terminal(fd) ? 0 : -ENOTTY;
    default: break;
    }
    const struct tty_request *r = request_find(cmd);
    if (!r)
        return reject(-ENOTTY, "an ioctl that the kernel does not know");
    return request_forward(fd, r, arg);
}
