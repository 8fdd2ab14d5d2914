/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terminals of the host: one struct tty for each, found by the device number that the host gives it.  The
 * line discipline is the host's; sessions and foreground groups are the enclave's own, while outside it
 * is always the cella process that has the terminal.
 *
 * Only requests in the table below cross; each moves a structure of a known size, or a number.  The
 * settings that pass are remembered for what must be known here: who may write (TOSTOP), and what a
 * read waits for (VMIN, VTIME), as the host is only asked for what is there.
 *
 * What is known of a terminal is kept for ever: there are few, and a program may come back to one.
 * Lock: ttys_lock, spin, for the list.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>

#include "kernel/fs/fs.h"
#include "kernel/fs/host/host.h"
#include "kernel/fs/host/host_impl.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/proc/process.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#define WINSIZE_SIZE 8
#define TERMIO_SIZE 18
#define TTYS_MAX 64
#define TENTH 100000000L /* of a second, in ns */
#define MEM_MAJOR 1      /* null, zero and their kind */
#define DEV_TTY FS_RDEV(5, 0)

struct host_tty {
    struct tty tty;      /* first */
    struct list link;    /* [ttys_lock] */
    const char *path;    /* [a] a name that the host has for it, or NULL */
    uint32_t lflag;      /* [a] of its settings … */
    uint8_t vmin, vtime; /* [a] … as they were last seen */
};

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
    {TIOCGLCKTRMIOS, ARG_OUT, sizeof(struct termios)},
    {TIOCSLCKTRMIOS, ARG_IN, sizeof(struct termios)},
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

static struct spinlock ttys_lock = {0};
static struct list ttys = LIST_INIT(ttys); /* [t] */
static unsigned nttys;                     /* [t] */
/* The one that /dev/tty means outside, once it is known. */
static struct host_tty *controlling; /* [a] */
static uint32_t asked_controlling;   /* [a] */

static struct host_tty *host_tty_of(struct tty *t)
{
    return container_of(t, struct host_tty, tty);
}

/* Settings in any form with the four words and the characters of a termios. */
static void settings_note(struct host_tty *ht, const struct termios *t)
{
    __atomic_store_n(&ht->lflag, t->c_lflag, __ATOMIC_RELAXED);
    __atomic_store_n(&ht->vmin, t->c_cc[VMIN], __ATOMIC_RELAXED);
    __atomic_store_n(&ht->vtime, t->c_cc[VTIME], __ATOMIC_RELAXED);
}

static long settings_ask(int fd, struct termios *t)
{
    memset(t, 0, sizeof(*t));
    return ocall_ioctl(fd, TCGETS, t, 0, sizeof(*t));
}

static int open_by_path(const char *path, uint32_t flags, struct file **out)
{
    int err = path ? host_path_open(path, flags, out) : -ENXIO;
    if (!err)
        (*out)->name = path;
    return err;
}

static int host_tty_open(struct tty *t, uint32_t flags, struct file **out)
{
    const struct host_tty *ht = host_tty_of(t);
    int err = ht == __atomic_load_n(&controlling, __ATOMIC_RELAXED)
                  ? open_by_path("/dev/tty", flags, out)
                  : -ENXIO;
    return err ? open_by_path(__atomic_load_n(&ht->path, __ATOMIC_RELAXED), flags, out) : 0;
}

static bool host_tty_tostop(struct tty *t)
{
    return __atomic_load_n(&host_tty_of(t)->lflag, __ATOMIC_RELAXED) & TOSTOP;
}

static void host_tty_free(struct tty *t)
{
    panic("a terminal of the host, %lx, was freed", t->rdev);
}

static const struct tty_ops host_tty_ops = {
    .outside = true,
    .open = host_tty_open,
    .tostop = host_tty_tostop,
    .free = host_tty_free,
};

/* The terminal with a device number, a new one if need be: borrowed, or NULL. */
static struct host_tty *find_or_make(uint64_t rdev)
{
    struct host_tty *found = NULL, *fresh = kzalloc(sizeof(*fresh));
    if (!fresh)
        return NULL;
    tty_init(&fresh->tty, &host_tty_ops, rdev);
    spin_lock(&ttys_lock);
    list_for_each(it, &ttys) {
        struct host_tty *ht = list_entry(it, struct host_tty, link);
        if (ht->tty.rdev == rdev)
            found = ht;
    }
    if (!found && nttys < TTYS_MAX) {
        found = fresh;
        fresh = NULL;
        list_add_tail(&ttys, &found->link);
        nttys++;
    }
    spin_unlock(&ttys_lock);
    kfree(fresh);
    return found;
}

struct tty *host_tty_lookup(int fd, uint64_t rdev)
{
    struct termios t;
    struct host_tty *ht = NULL;
    if ((rdev >> 8 & 0xfff) == MEM_MAJOR || settings_ask(fd, &t) < 0)
        return NULL;
    if (rdev == DEV_TTY)
        ht = __atomic_load_n(&controlling, __ATOMIC_RELAXED);
    if (!ht)
        ht = find_or_make(rdev);
    if (!ht)
        return NULL;
    settings_note(ht, &t);
    return tty_get(&ht->tty);
}

const char *host_tty_named(const char *path)
{
    const char *found = NULL;
    spin_lock(&ttys_lock);
    list_for_each(it, &ttys) {
        const char *p =
            __atomic_load_n(&list_entry(it, struct host_tty, link)->path, __ATOMIC_ACQUIRE);
        if (p && strcmp(p, path) == 0)
            found = p;
    }
    spin_unlock(&ttys_lock);
    return found;
}

/* Two may come with the same name. */
static void path_note(struct host_tty *ht, const char *path)
{
    const char *none = NULL;
    if (__atomic_load_n(&ht->path, __ATOMIC_RELAXED))
        return;
    char *copy = kstrdup(path);
    if (!__atomic_compare_exchange_n(&ht->path, &none, copy, false, __ATOMIC_RELEASE,
                                     __ATOMIC_RELAXED))
        kfree(copy);
}

void host_tty_stdio(struct tty *t, int fd, const char *path)
{
    struct host_tty *ht = host_tty_of(t);
    int sid = 0;
    path_note(ht, path);
    if (controlling || ocall_ioctl(fd, TIOCGSID, &sid, 0, sizeof(sid)) < 0)
        return;
    __atomic_store_n(&controlling, ht, __ATOMIC_RELAXED);
    __atomic_store_n(&asked_controlling, 1, __ATOMIC_RELAXED);
}

void host_tty_first(struct process *p)
{
    if (controlling)
        tty_acquire(&controlling->tty, p);
}

/*
 * The program was started from a terminal, though no standard stream is one: that is found out when
 * somebody in the first session asks for it, once.
 */
int host_tty_open_late(uint32_t flags, struct file **out)
{
    struct tty *t;
    if (!kernel.first || current_process()->sid != kernel.first->sid ||
        __atomic_exchange_n(&asked_controlling, 1, __ATOMIC_RELAXED))
        return -ENXIO;
    int err = open_by_path("/dev/tty", flags, out);
    if (err)
        return err;
    t = host_stream_tty(*out);
    if (!t)
        return 0;
    __atomic_store_n(&controlling, host_tty_of(t), __ATOMIC_RELAXED);
    tty_acquire(t, kernel.first);
    if (current_process() != kernel.first)
        tty_inherit(t, current_process());
    return 0;
}

int host_tty_enough(struct tty *t, const struct uio *u, bool moved)
{
    const struct host_tty *ht = host_tty_of(t);
    if (ht->lflag & ICANON)
        return moved ? 0 : -EAGAIN;
    if (!ht->vmin)
        return u->done || !ht->vtime ? 0 : -EAGAIN;
    return u->left && u->done < ht->vmin ? -EAGAIN : 0;
}

ktime_t host_tty_patience(struct tty *t, const struct uio *u)
{
    const struct host_tty *ht = host_tty_of(t);
    if (ht->lflag & ICANON || !ht->vtime || (ht->vmin && !u->done))
        return KTIME_NEVER;
    return ht->vtime * TENTH;
}

bool host_tty_signal(int sig)
{
    struct host_tty *ht = __atomic_load_n(&controlling, __ATOMIC_RELAXED);
    return ht && tty_signal(&ht->tty, sig);
}

/* Requests. */

static const struct tty_request *request_find(unsigned cmd)
{
    for (size_t i = 0; i < ARRAY_SIZE(tty_requests); i++)
        if (tty_requests[i].cmd == cmd)
            return &tty_requests[i];
    return NULL;
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

/* Groups in the background may not. */
static bool request_changes(unsigned cmd)
{
    switch (cmd) {
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
    case TCSBRK:
    case TCSBRKP:
    case TCXONC:
    case TCFLSH: return true;
    default: return false;
    }
}

static long request_forward_tty(struct tty *t, int fd, const struct tty_request *r, uaddr_t arg)
{
    struct termios now;
    bool changes = request_changes(r->cmd);
    long ret = changes ? tty_check_change(t) : 0;
    if (!ret)
        ret = request_forward(fd, r, arg);
    if (ret >= 0 && changes && r->kind == ARG_IN && settings_ask(fd, &now) >= 0)
        settings_note(host_tty_of(t), &now);
    return ret;
}

long host_tty_ioctl(struct tty *t, struct file *f, unsigned cmd, uaddr_t arg)
{
    int fd = host_file_of(f)->fd;
    const struct tty_request *r = request_find(cmd);
    if (r)
        return t ? request_forward_tty(t, fd, r, arg) : request_forward(fd, r, arg);
    long ret = t ? tty_job_ioctl(t, FMODE_READ(f) ? TTY_MAY_READ : 0, cmd, arg) : -ENOIOCTLCMD;
    return ret == -ENOIOCTLCMD ? reject(-ENOTTY, "an ioctl that the kernel does not know") : ret;
}
