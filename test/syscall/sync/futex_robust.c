/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a thread with locks: its robust list marks them, wakes one waiter each, follows PI
 * entries and the pending one, and survives a list that is wrong. Exec is not tested here.
 */
#include "futex.h"
#include <stddef.h>

struct lock {
    struct robust_list list;
    unsigned word;
};

static struct robust_list_head head;
static struct lock locks[4];
static unsigned ready, release, tid_was;

#define MARK_PI(l) ((struct robust_list *)((uintptr_t)(l) | 1))

/* A robust list of our own for this thread: as `build` leaves it. */
static void *die_with(void *arg)
{
    void (*build)(unsigned) = arg;

    memset(&head, 0, sizeof(head));
    head.list.next = &head.list;
    head.futex_offset = offsetof(struct lock, word) - offsetof(struct lock, list);
    build(self_tid());
    store(&tid_was, self_tid());
    check_eq(syscall(SYS_set_robust_list, &head, sizeof(head)), 0);
    store(&ready, 1);
    (void)!eventually(load(&release));
    return NULL;
}

static void run(void (*build)(unsigned), void *(*waiter)(void *), struct lock *waited)
{
    pthread_t w = 0;

    store(&ready, 0);
    store(&release, 0);
    pthread_t t = spawn(die_with, (void *)build);
    check(eventually(load(&ready)));
    if (waiter) {
        w = spawn(waiter, waited);
        check(eventually(load(&waited->word) & FUTEX_WAITERS));
    }
    store(&release, 1);
    pthread_join(t, NULL);
    if (waiter)
        pthread_join(w, NULL);
}

static void build_three(unsigned tid)
{
    for (int i = 0; i < 3; i++)
        locks[i].list.next = i < 2 ? &locks[i + 1].list : &head.list;
    locks[0].word = tid;
    locks[1].word = tid + 1; /* not ours */
    locks[2].word = tid | FUTEX_WAITERS;
    locks[3].word = tid;
    head.list.next = &locks[0].list;
    head.list_op_pending = &locks[3].list;
}

static void build_one(unsigned tid)
{
    locks[0].list.next = &head.list;
    locks[0].word = tid;
    head.list.next = &locks[0].list;
}

static void build_pi(unsigned tid)
{
    build_one(tid);
    head.list.next = MARK_PI(&locks[0].list);
}

/* The pending lock was released, and nobody was woken yet. */
static void build_released(unsigned tid)
{
    (void)tid;
    locks[0].word = FUTEX_WAITERS;
    head.list_op_pending = &locks[0].list;
}

static void build_circle(unsigned tid)
{
    build_three(tid);
    locks[2].list.next = &locks[0].list;
}

static void build_wild(unsigned tid)
{
    build_one(tid);
    locks[0].list.next = (void *)16;
}

static void *wait_shared(void *arg)
{
    struct lock *l = arg;
    unsigned was = load(&l->word);

    /* The waiter's mark and its sleep: the owner's death must find both. */
    if (was & FUTEX_TID_MASK)
        __atomic_fetch_or(&l->word, FUTEX_WAITERS, __ATOMIC_SEQ_CST);
    while (!(load(&l->word) & FUTEX_OWNER_DIED))
        (void)futex(&l->word, FUTEX_WAIT, was | FUTEX_WAITERS, NULL, NULL, 0);
    check_eq(load(&l->word), FUTEX_WAITERS | FUTEX_OWNER_DIED);
    return NULL;
}

static void *lock_pi(void *arg)
{
    struct lock *l = arg;

    check_eq(futex(&l->word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    check_eq(load(&l->word) & ~FUTEX_WAITERS, self_tid() | FUTEX_OWNER_DIED);
    check_eq(futex(&l->word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    return NULL;
}

static void *wait_released(void *arg)
{
    struct lock *l = arg;

    check_eq(futex(&l->word, FUTEX_WAIT, FUTEX_WAITERS, NULL, NULL, 0), 0);
    store(&ready, 2);
    return NULL;
}

static void check_released(void)
{
    pthread_t w;

    build_released(0);
    w = spawn(wait_released, &locks[0]);
    /* Threads die until one finds the waiter asleep. */
    for (int i = 0; i < 1000 && load(&ready) != 2; i++) {
        run(build_released, NULL, NULL);
        usleep(1000);
    }
    check(eventually(load(&ready) == 2));
    pthread_join(w, NULL);
}

int main(void)
{
    struct robust_list_head *got;
    size_t len;

    check_err(syscall(SYS_set_robust_list, &head, sizeof(head) - 1), EINVAL);
    check_eq(syscall(SYS_get_robust_list, 0, &got, &len), 0);
    check_eq(len, sizeof(head));
    check_err(syscall(SYS_get_robust_list, 0x3ffffff0, &got, &len), ESRCH);

    run(build_three, NULL, NULL);
    check_eq(locks[0].word, FUTEX_OWNER_DIED);
    check_eq(locks[1].word, tid_was + 1);
    check_eq(locks[2].word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
    check_eq(locks[3].word, FUTEX_OWNER_DIED);
    run(build_one, wait_shared, &locks[0]);
    run(build_pi, lock_pi, &locks[0]);
    check_eq(locks[0].word, 0);
    check_released();
    run(build_circle, NULL, NULL);
    check_eq(locks[2].word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
    run(build_wild, NULL, NULL);
    check_eq(locks[0].word, FUTEX_OWNER_DIED);
    return check_done();
}
