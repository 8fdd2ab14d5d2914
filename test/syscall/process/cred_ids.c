/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User and group ids: who may change which to what.  Raw calls concern one thread, so every case
 * runs in a thread of its own, which starts as the program did.
 */
#include "check.h"
#include <grp.h>
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>

#define KEEP ((uid_t)-1)

static long setresuid_(uid_t r, uid_t e, uid_t s)
{
    return syscall(SYS_setresuid, r, e, s);
}

static long setresgid_(gid_t r, gid_t e, gid_t s)
{
    return syscall(SYS_setresgid, r, e, s);
}

static void check_uids(uid_t r, uid_t e, uid_t s, uid_t fs)
{
    uid_t gr, ge, gs;
    check_ok(syscall(SYS_getresuid, &gr, &ge, &gs));
    check_eq(gr, r);
    check_eq(ge, e);
    check_eq(gs, s);
    check_eq(syscall(SYS_setfsuid, KEEP), fs);
}

static void root_setuid(void)
{
    check_err(syscall(SYS_setuid, KEEP), EINVAL);
    check_ok(syscall(SYS_setuid, 1000));
    check_uids(1000, 1000, 1000, 1000);
    check_err(syscall(SYS_setuid, 0), EPERM);
    check_ok(syscall(SYS_setuid, 1000));
}

static void root_reuid(void)
{
    check_ok(syscall(SYS_setreuid, KEEP, 1000));
    check_uids(0, 1000, 1000, 1000);
    check_err(syscall(SYS_setreuid, 1001, KEEP), EPERM);
    check_err(syscall(SYS_setreuid, KEEP, 1001), EPERM);
    check_ok(syscall(SYS_setreuid, KEEP, 0));
    check_uids(0, 0, 1000, 0);
    check_ok(syscall(SYS_setreuid, 1001, 1002));
    check_uids(1001, 1002, 1002, 1002);
    check_ok(syscall(SYS_setreuid, 1002, 1001)); /* exchanged */
    check_uids(1002, 1001, 1001, 1001);
    check_err(syscall(SYS_setreuid, 0, KEEP), EPERM);
}

static void root_resuid(void)
{
    check_ok(setresuid_(1, 2, 3));
    check_uids(1, 2, 3, 2);
    check_ok(setresuid_(KEEP, 3, KEEP));
    check_uids(1, 3, 3, 3);
    check_ok(setresuid_(3, 1, 1));
    check_uids(3, 1, 1, 1);
    check_err(setresuid_(2, KEEP, KEEP), EPERM);
    check_err(setresuid_(KEEP, 0, KEEP), EPERM);
    check_err(setresuid_(KEEP, KEEP, 4), EPERM);
    check_uids(3, 1, 1, 1);
    check_ok(syscall(SYS_setuid, 3)); /* the real one */
    check_uids(3, 3, 1, 3);
}

/* An effective uid of 0 comes back only from a real or saved one. */
static void root_for_a_while(void)
{
    check_ok(setresuid_(KEEP, 1000, 0));
    check_uids(0, 1000, 0, 1000);
    check_err(syscall(SYS_setgid, 5), EPERM);
    check_err(syscall(SYS_setgroups, 0, NULL), EPERM);
    check_ok(syscall(SYS_setuid, 0));
    check_uids(0, 0, 0, 0);
    check_ok(syscall(SYS_setgid, 5));
    check_eq(syscall(SYS_getegid), 5);
}

static void root_gids(void)
{
    gid_t r, e, s;
    check_ok(setresgid_(10, 11, 12));
    check_ok(syscall(SYS_getresgid, &r, &e, &s));
    check(r == 10 && e == 11 && s == 12);
    check_ok(setresuid_(1000, 1000, 1000));
    check_err(setresgid_(13, KEEP, KEEP), EPERM);
    check_ok(syscall(SYS_setregid, 11, 10));
    check_ok(syscall(SYS_getresgid, &r, &e, &s));
    check(r == 11 && e == 10 && s == 10);
    check_err(syscall(SYS_setgid, 12), EPERM);
    check_ok(syscall(SYS_setgid, 11));
    check_eq(syscall(SYS_getegid), 11);
    check_err(syscall(SYS_setgid, KEEP), EINVAL);
}

static void root_fsuid(void)
{
    check_eq(syscall(SYS_setfsuid, 1000), 0);
    check_eq(syscall(SYS_setfsuid, KEEP), 1000);
    check_eq(syscall(SYS_setfsgid, 1001), 0);
    check_eq(syscall(SYS_setfsgid, KEEP), 1001);
    check_eq(syscall(SYS_geteuid), 0);
    check_ok(setresuid_(1, 2, 3));
    check_eq(syscall(SYS_setfsuid, 0), 2); /* euid's change set it; 0 is refused */
    check_eq(syscall(SYS_setfsuid, 3), 2);
    check_eq(syscall(SYS_setfsuid, 1), 3);
    check_eq(syscall(SYS_setfsuid, KEEP), 1);
}

static void root_groups(void)
{
    static gid_t many[65537], out[65537];
    gid_t few[] = {30, 10, 20, 10};
    check_ok(syscall(SYS_setgroups, 4, few));
    check_eq(syscall(SYS_getgroups, 0, NULL), 4);
    check_err(syscall(SYS_getgroups, 3, out), EINVAL);
    check_err(syscall(SYS_getgroups, -1, out), EINVAL);
    check_eq(syscall(SYS_getgroups, 10, out), 4);
    check(out[0] == 10 && out[1] == 10 && out[2] == 20 && out[3] == 30);
    check_err(syscall(SYS_getgroups, 4, (void *)8), EFAULT);
    check_err(syscall(SYS_setgroups, 2, (void *)8), EFAULT);
    for (unsigned i = 0; i < 65537; i++)
        many[i] = i * 2654435761U % 65521;
    check_err(syscall(SYS_setgroups, 65537, many), EINVAL);
    check_ok(syscall(SYS_setgroups, 65536, many));
    check_eq(syscall(SYS_getgroups, 65536, out), 65536);
    int sorted = 1;
    for (unsigned i = 1; i < 65536; i++)
        sorted &= out[i - 1] <= out[i];
    check(sorted);
    check_ok(syscall(SYS_setgroups, 0, NULL));
    check_eq(syscall(SYS_getgroups, 0, NULL), 0);
}

static void as_user(void)
{
    uid_t uid = getuid() ? getuid() : 1000;
    gid_t gid = getgid() ? getgid() : 1000;
    if (!getuid()) {
        check_ok(setresgid_(gid, gid, gid));
        check_ok(setresuid_(uid, uid, uid));
    }
    check_err(setresuid_(uid, 0, uid), EPERM);
    check_err(setresgid_(gid, 0, gid), EPERM);
    check_ok(setresuid_(uid, uid, uid));
    check_ok(setresgid_(KEEP, gid, KEEP));
    check_err(syscall(SYS_setgroups, 1, &gid), EPERM);
    check_err(syscall(SYS_setuid, uid + 1), EPERM);
    check_err(syscall(SYS_sethostname, "x", 1), EPERM);
    check_err(syscall(SYS_chroot, "/"), EPERM);
}

static void *run_case(void *fn)
{
    ((void (*)(void))fn)();
    return NULL;
}

static void in_thread(void (*fn)(void))
{
    pthread_t t;
    need(pthread_create(&t, NULL, run_case, (void *)fn) == 0);
    pthread_join(t, NULL);
}

static pthread_barrier_t barrier;
static uid_t seen[3];

static void *onlooker(void *arg)
{
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    seen[(long)arg] = (uid_t)syscall(SYS_geteuid);
    return NULL;
}

/* The C library's calls change all threads, also those that are asleep. */
static void all_threads(void)
{
    pthread_t t[3];
    pthread_barrier_init(&barrier, NULL, 4);
    for (long i = 0; i < 3; i++)
        need(pthread_create(&t[i], NULL, onlooker, (void *)i) == 0);
    pthread_barrier_wait(&barrier);
    gid_t groups[] = {7};
    check_ok(setgroups(1, groups));
    check_ok(setresgid(1234, 1234, 1234));
    check_ok(setresuid(1000, 1000, 1000));
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    check(seen[0] == 1000 && seen[1] == 1000 && seen[2] == 1000);
    check_err(setuid(0), EPERM);
    check_eq(getegid(), 1234);
}

int main(void)
{
    if (getuid() == 0) {
        in_thread(root_setuid);
        in_thread(root_reuid);
        in_thread(root_resuid);
        in_thread(root_for_a_while);
        in_thread(root_gids);
        in_thread(root_fsuid);
        in_thread(root_groups);
    }
    in_thread(as_user);
    check_eq(syscall(SYS_geteuid), getuid()); /* nobody has changed but they */
    if (getuid() == 0)
        all_threads();
    return check_done();
}
