/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a thread, as futexes see it: its robust list (locks that say FUTEX_OWNER_DIED to the
 * next owner), the PI futexes that others wait for, and the word that pthread_join waits on.
 *
 * The list is the program's: of any length, with cycles, with words that are not there.  It is
 * followed for ROBUST_LIMIT entries, and given up at the first address that cannot be read.
 */
#include <linux/errno.h>
#include <linux/futex.h>

#include "kernel/proc/process.h"
#include "kernel/sched/futex/futex.h"
#include "kernel/sched/futex/futex_impl.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

#define ROBUST_LIMIT 2048

/* An entry's link, whose bit 0 says that the lock is a PI futex. */
struct robust_entry {
    uaddr_t at;
    bool pi;
};

static struct robust_entry entry_decode(uint64_t link)
{
    return (struct robust_entry){link & ~1UL, link & 1};
}

static void wake_one(const struct futex_key *key)
{
    (void)futex_wake_key(key, 1, FUTEX_BITSET_MATCH_ANY);
}

/*
 * One word.  pending: the thread was about to lock or unlock it; then a free word may be one that
 * it has just released without having woken anybody.
 */
static int word_handle(uaddr_t word, bool pi, bool pending)
{
    struct futex_key key;
    uint32_t val;

    if (futex_key_make(&key, word, true) || user_load32(word, &val))
        return -EFAULT;
    if (pending && !pi && !(val & FUTEX_TID_MASK)) {
        wake_one(&key);
        return 0;
    }
    while ((val & FUTEX_TID_MASK) == (uint32_t)current->tid) {
        uint32_t old = val;
        if (user_cmpxchg32(word, &val, (val & FUTEX_WAITERS) | FUTEX_OWNER_DIED))
            return -EFAULT;
        if (val != old)
            continue;
        /* Waiters of a PI futex get it from futex_pi_exit_end. */
        if (!pi && (old & FUTEX_WAITERS))
            wake_one(&key);
        break;
    }
    return 0;
}

static void list_walk(uaddr_t head)
{
    struct robust_list_head h;
    uint64_t next;

    if (copy_in(&h, head, sizeof(h)))
        return;
    uint64_t offset = (uint64_t)h.futex_offset;
    struct robust_entry pending = entry_decode((uint64_t)h.list_op_pending);
    struct robust_entry e = entry_decode((uint64_t)h.list.next);
    for (int i = 0; i < ROBUST_LIMIT && e.at != head; i++) {
        /* Before the word is changed: its new owner may take the entry away. */
        int err = copy_in(&next, e.at, sizeof(next));
        if (e.at != pending.at && word_handle(e.at + offset, e.pi, false))
            return;
        if (err)
            return;
        e = entry_decode(next);
    }
    if (pending.at)
        (void)word_handle(pending.at + offset, pending.pi, true);
}

void futex_thread_exit(void)
{
    struct thread *t = current;
    struct futex_key key;

    futex_pi_exit_begin();
    if (t->robust_list)
        list_walk(t->robust_list);
    t->robust_list = 0;
    futex_pi_exit_end();
    if (t->clear_child_tid && !user_store32(t->clear_child_tid, 0) &&
        !futex_key_make(&key, t->clear_child_tid, true))
        wake_one(&key);
    t->clear_child_tid = 0;
}

long sys_set_robust_list(uaddr_t head, size_t len)
{
    if (len != sizeof(struct robust_list_head))
        return reject(-EINVAL, "robust list head has another size");
    current->robust_list = head;
    current->robust_list_len = len;
    return 0;
}
