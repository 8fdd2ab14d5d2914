/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the VFS's unit tests put in place of the rest of the kernel: libc's heap, one thread and one
 * process, program memory that is plain memory below and including STUB_BAD, locks that check that
 * they are not taken twice, and sleeps that run a function of the test instead.
 *
 * Include it first, then the .c files under test.
 */
#ifndef KERNEL_VFS_TEST_STUBS_H
#define KERNEL_VFS_TEST_STUBS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* libc and the kernel have types of the same name; linux/stat.h hides its macros from glibc. */
#define sigset_t kernel_sigset_t
#define timeval kernel_timeval
#define itimerval kernel_itimerval
#define itimerspec kernel_itimerspec
#define timezone kernel_timezone
#pragma push_macro("__GLIBC__")
#undef __GLIBC__
#include <linux/stat.h>
#pragma pop_macro("__GLIBC__")

#include "kernel/proc/id/cred.h"
#include "kernel/proc/id/user.h"
#include "kernel/mm/mm.h"
#include "kernel/vfs/vfs_impl.h"

#define STUB_BAD 0xdead000UL /* [STUB_BAD, STUB_BAD + 1 MiB) faults */

static struct process stub_process = {.nthreads = 1, .pid = 1};
static struct user stub_owner = {.ref = {1}};
static struct cred stub_cred = {.effective = CAPS_ALL, .user = &stub_owner}; /* root's */
static struct thread stub_thread = {.process = &stub_process, .cred = &stub_cred};
#undef current
#define current (&stub_thread)
#define thread_interrupted() (stub_thread.signal_pending != 0)

static long stub_allocations;    /* live */
static int stub_fail_after = -1; /* fails the allocation after so many; -1: never */
static int stub_last_signal;
static ktime_t stub_now = 1000000000;
static int (*stub_block)(void); /* what happens while the thread sleeps */

static bool stub_fails(void)
{
    return stub_fail_after >= 0 && stub_fail_after-- == 0;
}

void *kzalloc(size_t n)
{
    void *p = stub_fails() ? NULL : calloc(1, n ? n : 1);
    stub_allocations += p != NULL;
    return p;
}

void *kmalloc(size_t n)
{
    void *p = stub_fails() ? NULL : malloc(n ? n : 1);
    stub_allocations += p != NULL;
    return p;
}

void *krealloc(void *p, size_t n)
{
    stub_allocations += p == NULL;
    return realloc(p, n);
}

void kfree(void *p)
{
    stub_allocations -= p != NULL;
    free(p);
}

char *kstrdup(const char *s)
{
    char *p = kmalloc(strlen(s) + 1);
    return p ? strcpy(p, s) : NULL;
}

void *kpages_alloc(size_t n)
{
    return kzalloc(n * PAGE_SIZE);
}

void kpages_free(void *p, size_t n)
{
    (void)n;
    kfree(p);
}

void mutex_init(struct mutex *m)
{
    m->held = 0;
}

void mutex_lock(struct mutex *m) NO_TSA
{
    assert_int_equal(m->held, 0);
    m->held = 1;
}

void mutex_unlock(struct mutex *m) NO_TSA
{
    assert_int_equal(m->held, 1);
    m->held = 0;
}

void waitq_init(struct waitq *q)
{
    q->lock.locked = 0;
    list_init(&q->waiters);
}

void waitq_add_notify(struct waitq *q, struct waiter *w, bool (*fn)(struct waiter *, uint32_t))
{
    w->thread = current;
    w->notify = fn;
    list_add_tail(&q->waiters, &w->link);
}

void waitq_add_exclusive(struct waitq *q, struct waiter *w, bool (*fn)(struct waiter *, uint32_t))
{
    waitq_add_notify(q, w, fn);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
    waitq_add_notify(q, w, NULL);
}

void waitq_del(struct waitq *q, struct waiter *w)
{
    (void)q;
    list_del(&w->link);
}

void waitq_wake(struct waitq *q, uint32_t events)
{
    list_for_each_safe(l, &q->waiters) {
        struct waiter *w = list_entry(l, struct waiter, link);
        if (w->notify)
            w->notify(w, events);
    }
}

int thread_block(ktime_t deadline, bool interruptible)
{
    (void)interruptible;
    if (stub_block)
        return stub_block();
    assert_int_not_equal(deadline, KTIME_NEVER); /* would sleep for ever */
    stub_now = MAX(stub_now, deadline);
    return -ETIMEDOUT;
}

void thread_yield(void)
{
}

ktime_t clock_mono(void)
{
    return stub_now;
}

ktime_t clock_real(void)
{
    return stub_now;
}

void signal_to_self(int sig)
{
    stub_last_signal = sig;
}

int signal_send_thread(struct thread *t, int sig, const siginfo_t *info)
{
    (void)t;
    (void)info;
    stub_last_signal = sig;
    return 0;
}

void signal_set_blocked_until_return(kernel_sigset_t set)
{
    (void)set;
}

long syscall_reject(long err, const char *why)
{
    assert_non_null(why);
    return err;
}

uint32_t notify_watches; /* 0: none of these is called */
uint32_t lease_count;    /* likewise */
uint32_t dnotify_count;  /* likewise */

void satellite_recall_file(const struct inode *i, bool shared)
{
    (void)i;
    (void)shared;
}

void mm_file_cut(const struct inode *i, uint64_t size)
{
    (void)i;
    (void)size;
}

void lease_release(struct file *f)
{
    (void)f;
}

int lease_break_slow(struct inode *i, uint32_t flags)
{
    (void)i;
    (void)flags;
    return 0;
}

void dnotify_close_slow(struct file *f, const struct fdtable *t)
{
    (void)f;
    (void)t;
}

void notify_renamed(struct inode *from, struct inode *to)
{
    (void)from;
    (void)to;
}

void notify_file_slow(struct file *f, uint32_t mask)
{
    (void)f;
    (void)mask;
}

void notify_dentry(struct dentry *d, uint32_t mask)
{
    (void)d;
    (void)mask;
}

void notify_inode(struct inode *i, uint32_t mask)
{
    (void)i;
    (void)mask;
}

void notify_name(struct inode *dir, const char *name, uint32_t type, uint32_t mask, uint32_t cookie)
{
    (void)dir;
    (void)name;
    (void)type;
    (void)mask;
    (void)cookie;
}

uint32_t notify_cookie(void)
{
    return 0;
}

void notify_victim_look(struct notify_victim *v, struct inode *i)
{
    (void)i;
    v->inode = NULL;
}

void notify_victim_gone(struct notify_victim *v, struct inode *dir, const char *name)
{
    (void)v;
    (void)dir;
    (void)name;
}

void notify_victim_put(struct notify_victim *v)
{
    (void)v;
}

void notify_closed_last(struct inode *i)
{
    (void)i;
}

NORETURN void panic(const char *fmt, ...)
{
    fail_msg("panic: %s", fmt);
    abort();
}

/* Bytes at a that can be reached, at most n. */
static size_t stub_reach(uaddr_t a, size_t n)
{
    if (a >= STUB_BAD && a < STUB_BAD + (1UL << 20))
        return 0;
    return n;
}

size_t copy_in_partial(void *dst, uaddr_t src, size_t n)
{
    size_t ok = stub_reach(src, n);
    memcpy(dst, (const void *)src, ok);
    return n - ok;
}

size_t copy_out_partial(uaddr_t dst, const void *src, size_t n)
{
    size_t ok = stub_reach(dst, n);
    memcpy((void *)dst, src, ok);
    return n - ok;
}

int copy_in(void *dst, uaddr_t src, size_t n)
{
    return n && copy_in_partial(dst, src, n) ? -EFAULT : 0;
}

int copy_out(uaddr_t dst, const void *src, size_t n)
{
    return n && copy_out_partial(dst, src, n) ? -EFAULT : 0;
}

int zero_out(uaddr_t dst, size_t n)
{
    if (stub_reach(dst, n) != n)
        return -EFAULT;
    memset((void *)dst, 0, n);
    return 0;
}

/* Pages that are not there until they are brought in. */
static uaddr_t stub_absent_from, stub_absent_to;

static size_t stub_present(uaddr_t a, size_t n)
{
    if (a + n <= stub_absent_from || a >= stub_absent_to)
        return n;
    return a < stub_absent_from ? stub_absent_from - a : 0;
}

size_t copy_in_present(void *dst, uaddr_t src, size_t n)
{
    size_t ok = stub_present(src, stub_reach(src, n));
    memcpy(dst, (const void *)src, ok);
    return n - ok;
}

size_t copy_out_present(uaddr_t dst, const void *src, size_t n)
{
    size_t ok = stub_present(dst, stub_reach(dst, n));
    memcpy((void *)dst, src, ok);
    return n - ok;
}

size_t zero_out_present(uaddr_t dst, size_t n)
{
    size_t ok = stub_present(dst, stub_reach(dst, n));
    memset((void *)dst, 0, ok);
    return n - ok;
}

int user_fault_in(uaddr_t addr, bool write)
{
    (void)write;
    if (!stub_reach(addr, 1))
        return -EFAULT;
    stub_absent_from = stub_absent_to = 0;
    return 0;
}

size_t copy_out_host(uaddr_t dst, haddr_t src, size_t n)
{
    return copy_out_partial(dst, (const void *)src, n);
}

size_t copy_in_host(haddr_t dst, uaddr_t src, size_t n)
{
    return copy_in_partial((void *)dst, src, n);
}

long copy_in_str(char *dst, uaddr_t src, size_t size)
{
    if (!stub_reach(src, 1))
        return -EFAULT;
    size_t len = strlen((const char *)src);
    if (len >= size)
        return -ENAMETOOLONG;
    memcpy(dst, (const void *)src, len + 1);
    return (long)len;
}

bool user_range_ok(uaddr_t a, size_t n)
{
    return a + n >= a;
}

static void stub_process_init(void)
{
    for (int i = 0; i < RLIM_NLIMITS; i++)
        stub_process.rlimits[i].rlim_cur = RLIM64_INFINITY;
    stub_process.rlimits[RLIMIT_NOFILE].rlim_cur = 1024;
}

#endif
