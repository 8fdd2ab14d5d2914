/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the base's that stand.  realpath(3) asks of each directory of a path whether it is a link, again for each file
 * below: of a compiler's system calls that is every second.  A guest hears of others only through the base, and all
 * that the base says has the epoch of names (vfs/vfs.h) in it: so as long as that is what it was, an answer is
 * as good as a new one, but for the host, which is believed for a while.
 *
 * Only the guest's thread comes here.
 */
#include <linux/errno.h>
#include <asm/unistd.h>

#include "kernel/satellite/guest.h"
#include "kernel/sched/clock.h"
#include "kernel/sys/usercopy.h"
#include "lib/hash.h"
#include "lib/string.h"

#define ANSWERS 64U
#define PATH_ROOM 120UL

static struct {
    uint64_t epoch; /* the last that the base has said */
    struct answer {
        char path[PATH_ROOM]; /* absolute; "": free */
        uint64_t epoch;
        ktime_t until;
    } at[ANSWERS];
} answers;

/* What the call asks of, or false: it is not one whose answer may stand. */
static bool question(const struct user_regs *regs, char path[PATH_ROOM])
{
    return regs->orig_rax == __NR_readlink && (int)regs->rdx > 0 &&
           copy_in_str(path, regs->rdi, PATH_ROOM) > 0 && path[0] == '/';
}

static struct answer *place_of(const char *path)
{
    uint64_t h = 0;

    for (const char *c = path; *c; c++)
        h = hash_u64(h ^ (unsigned char)*c);
    return &answers.at[h % ANSWERS];
}

bool answer_known(struct user_regs *regs)
{
    char path[PATH_ROOM];

    if (!question(regs, path))
        return false;
    const struct answer *a = place_of(path);
    if (strcmp(a->path, path) != 0 || a->epoch != answers.epoch || clock_mono() >= a->until)
        return false;
    regs->rax = (uint64_t)-EINVAL;
    return true;
}

void answers_heard(uint64_t epoch)
{
    answers.epoch = epoch;
}

void answer_note(const struct user_regs *regs, ktime_t stands, uint64_t epoch)
{
    char path[PATH_ROOM];

    answers_heard(epoch);
    if (stands <= 0 || regs->rax != (uint64_t)-EINVAL || !question(regs, path))
        return;
    struct answer *a = place_of(path);
    memcpy(a->path, path, sizeof(path));
    a->epoch = epoch;
    a->until = clock_mono() + stands;
}

void answers_drop(void)
{
    for (unsigned i = 0; i < ANSWERS; i++)
        answers.at[i].path[0] = 0;
}
