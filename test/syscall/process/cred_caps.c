/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capability sets: capget and capset, what user ids do to them, bounding and ambient set,
 * securebits, and what execve makes of them.  Raw calls concern one thread: every case has its own.
 */
#include "check.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

typedef uint64_t set_t;
#define BIT(c) ((set_t)1 << (c))
#define KEEP ((uid_t)-1)

struct sets {
    set_t effective, permitted, inheritable;
};

static long sets_get(int tid, struct sets *s)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, tid};
    struct __user_cap_data_struct d[2];
    long err = syscall(SYS_capget, &h, d);
    if (err)
        return err;
    s->effective = d[0].effective | (set_t)d[1].effective << 32;
    s->permitted = d[0].permitted | (set_t)d[1].permitted << 32;
    s->inheritable = d[0].inheritable | (set_t)d[1].inheritable << 32;
    return 0;
}

static long sets_put(set_t effective, set_t permitted, set_t inheritable)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    return syscall(SYS_capset, &h, d);
}

static void check_sets(set_t effective, set_t permitted, set_t inheritable)
{
    struct sets s;
    check_ok(sets_get(0, &s));
    check_eq(s.effective, effective);
    check_eq(s.permitted, permitted);
    check_eq(s.inheritable, inheritable);
}

static long setresuid_(uid_t r, uid_t e, uid_t s)
{
    return syscall(SYS_setresuid, r, e, s);
}

static struct sets first; /* the program's */

static void headers(void)
{
    struct __user_cap_header_struct h = {0x12345678, 0};
    struct __user_cap_data_struct d[2];
    check_err(syscall(SYS_capget, &h, d), EINVAL);
    check_eq(h.version, _LINUX_CAPABILITY_VERSION_3);
    h.version = 0;
    check_ok(syscall(SYS_capget, &h, NULL)); /* asks for the version */
    check_eq(h.version, _LINUX_CAPABILITY_VERSION_3);
    check_err(syscall(SYS_capget, (void *)8, d), EFAULT);
    check_err(syscall(SYS_capget, &h, (void *)8), EFAULT);
    h.pid = -1;
    check_err(syscall(SYS_capget, &h, d), EINVAL);
    h.pid = 4194303;
    check_err(syscall(SYS_capget, &h, d), ESRCH);
    h.pid = getpid();
    check_ok(syscall(SYS_capget, &h, d));
    check_err(syscall(SYS_capset, &h, d), EPERM); /* we are not its first thread */
    h.pid = (int)syscall(SYS_gettid);
    check_ok(syscall(SYS_capset, &h, d));
    h.version = _LINUX_CAPABILITY_VERSION_1;
    check_ok(syscall(SYS_capget, &h, d));
    check_eq(d[0].permitted, (uint32_t)first.permitted);
}

/* Only less, and inheritable by what is permitted or in the bounding set. */
static void less(void)
{
    set_t some = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_SETPCAP);
    check_ok(sets_put(some, some, 0));
    check_sets(some, some, 0);
    check_err(sets_put(some, some | BIT(CAP_FOWNER), 0), EPERM);
    check_err(sets_put(some | BIT(CAP_FOWNER), some, 0), EPERM);
    check_ok(sets_put(some, some, BIT(CAP_CHOWN) | BIT(CAP_FOWNER))); /* CAP_SETPCAP */
    check_ok(sets_put(BIT(CAP_CHOWN), BIT(CAP_CHOWN) | BIT(CAP_KILL), BIT(CAP_CHOWN)));
    check_err(sets_put(0, BIT(CAP_CHOWN), BIT(CAP_FOWNER)), EPERM);
    check_ok(sets_put(BIT(CAP_KILL), BIT(CAP_KILL), BIT(CAP_KILL)));
    check_sets(BIT(CAP_KILL), BIT(CAP_KILL), BIT(CAP_KILL));
    check_err(syscall(SYS_setuid, 5), EPERM); /* root, but without CAP_SETUID */
    check_err(syscall(SYS_setgroups, 0, NULL), EPERM);
    check_err(syscall(SYS_chroot, "/"), EPERM);
}

static void uids(void)
{
    check_ok(setresuid_(KEEP, 1000, KEEP));
    check_sets(0, first.permitted, 0);
    check_ok(setresuid_(KEEP, 0, KEEP));
    check_sets(first.permitted, first.permitted, 0);
    check_ok(setresuid_(1000, 1000, 1000));
    check_sets(0, 0, 0);
}

static void keepcaps(void)
{
    check_err(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
    check_eq(prctl(PR_GET_KEEPCAPS), 0);
    check_ok(prctl(PR_SET_KEEPCAPS, 1));
    check_eq(prctl(PR_GET_KEEPCAPS), 1);
    check_eq(prctl(PR_GET_SECUREBITS), SECBIT_KEEP_CAPS);
    check_ok(setresuid_(1000, 1000, 1000));
    check_sets(0, first.permitted, 0);
    set_t some = BIT(CAP_SETUID) | BIT(CAP_SETGID);
    check_ok(sets_put(some, some, 0));
    check_ok(syscall(SYS_setuid, 1001));
    check_sets(some, some, 0);
}

static void fsuid(void)
{
    set_t fs = BIT(CAP_CHOWN) | BIT(CAP_MKNOD) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) |
               BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MAC_OVERRIDE);
    check_eq(syscall(SYS_setfsuid, 1000), 0);
    check_sets(first.effective & ~fs, first.permitted, 0);
    check_eq(syscall(SYS_setfsuid, 0), 1000);
    check_sets(first.effective, first.permitted, 0);
}

static void bounding(void)
{
    check_err(prctl(PR_CAPBSET_READ, 64), EINVAL);
    check_err(prctl(PR_CAPBSET_DROP, 64), EINVAL);
    check_eq(prctl(PR_CAPBSET_READ, CAP_CHOWN), 1);
    check_ok(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
    check_eq(prctl(PR_CAPBSET_READ, CAP_CHOWN), 0);
    check_ok(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
    check_sets(first.effective, first.permitted, 0);
    check_err(sets_put(first.effective, first.permitted, BIT(CAP_CHOWN)), EPERM);
    check_ok(sets_put(0, first.permitted, 0));
    check_err(prctl(PR_CAPBSET_DROP, CAP_KILL), EPERM);
    check_err(prctl(PR_CAPBSET_DROP, 64), EPERM);
}

static long ambient_raise(int cap)
{
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
}

static long ambient_has(int cap)
{
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0);
}

static void ambient(void)
{
    check_err(ambient_raise(CAP_KILL), EPERM); /* not inheritable */
    check_ok(sets_put(first.effective, first.permitted, BIT(CAP_KILL) | BIT(CAP_CHOWN)));
    check_ok(ambient_raise(CAP_KILL));
    check_ok(ambient_raise(CAP_CHOWN));
    check_eq(ambient_has(CAP_KILL), 1);
    check_eq(ambient_has(CAP_FOWNER), 0);
    check_err(ambient_has(64), EINVAL);
    check_err(prctl(PR_CAP_AMBIENT, 17, CAP_KILL, 0, 0), EINVAL);
    check_err(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 1, 0), EINVAL);
    check_err(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0), EINVAL);
    check_ok(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_CHOWN, 0, 0));
    check_eq(ambient_has(CAP_CHOWN), 0);
    check_ok(sets_put(first.effective, first.permitted, 0)); /* what is not inheritable goes */
    check_eq(ambient_has(CAP_KILL), 0);
    check_ok(sets_put(first.effective, first.permitted, BIT(CAP_KILL)));
    check_ok(ambient_raise(CAP_KILL));
    check_ok(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    check_eq(ambient_has(CAP_KILL), 0);
    check_ok(ambient_raise(CAP_KILL));
    check_ok(setresuid_(1000, 1000, 1000));
    check_eq(ambient_has(CAP_KILL), 0);
}

static void securebits(void)
{
    check_eq(prctl(PR_GET_SECUREBITS), 0);
    check_err(prctl(PR_SET_SECUREBITS, 0x10000), EPERM);
    check_ok(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_CAP_AMBIENT_RAISE));
    check_ok(sets_put(first.effective, first.permitted, BIT(CAP_KILL)));
    check_err(ambient_raise(CAP_KILL), EPERM);
    check_ok(setresuid_(1000, 1000, 1000)); /* and nothing happens */
    check_sets(first.effective, first.permitted, BIT(CAP_KILL));
    check_ok(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED));
    check_err(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED), EPERM); /* locks stay */
    check_err(prctl(PR_SET_KEEPCAPS, 1), EPERM);
    check_err(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                           SECBIT_NO_SETUID_FIXUP),
              EPERM); /* and what they lock */
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

static void stage(const char *name)
{
    printf("# exec failed: %d\n",
           execl("/proc/self/exe", "cred_caps", name, check_failures ? "failed" : NULL, NULL));
    exit(1);
}

/* /proc/self/status says the same as capget. */
static void proc_says(void)
{
    char text[4096], want[64];
    struct sets s;
    int fd = open("/proc/thread-self/status", O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    need(n > 0);
    close(fd);
    text[n] = '\0';
    check_ok(sets_get(0, &s));
    snprintf(want, sizeof(want), "CapPrm:\t%016lx\nCapEff:\t%016lx\n", s.permitted, s.effective);
    check(strstr(text, want) != NULL);
    snprintf(want, sizeof(want), "CapInh:\t%016lx\n", s.inheritable);
    check(strstr(text, want) != NULL);
}

int main(int argc, char **argv)
{
    check_failures = argc > 2;
    need(sets_get(0, &first) == 0);
    if (argc == 1) {
        in_thread(headers);
        if (getuid() || !(first.permitted & BIT(CAP_SETPCAP)))
            return check_done();
        in_thread(less);
        in_thread(uids);
        in_thread(keepcaps);
        in_thread(fsuid);
        in_thread(bounding);
        in_thread(ambient);
        in_thread(securebits);
        check_sets(first.effective, first.permitted, 0);
        /* Root gets back what is in the bounding set. */
        check_ok(prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE));
        check_ok(sets_put(BIT(CAP_KILL), first.permitted & ~BIT(CAP_SYS_BOOT), BIT(CAP_SYS_BOOT)));
        stage("root");
    }
    if (!strcmp(argv[1], "root")) {
        check(!(first.effective & BIT(CAP_SYS_PTRACE)));
        check(first.effective & BIT(CAP_SYS_BOOT));
        check(first.effective & BIT(CAP_CHOWN));
        check_eq(first.effective, first.permitted);
        check_eq(getauxval(AT_SECURE), 0);
        proc_says();
        /* A user keeps the ambient ones. */
        check_ok(prctl(PR_SET_KEEPCAPS, 1));
        check_ok(setresuid_(1000, 1000, 1000));
        set_t some = BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP);
        check_ok(sets_put(some, some, some));
        check_ok(ambient_raise(CAP_SETUID));
        check_ok(ambient_raise(CAP_SETPCAP));
        stage("ambient");
    }
    if (!strcmp(argv[1], "ambient")) {
        set_t some = BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP);
        check_sets(BIT(CAP_SETUID) | BIT(CAP_SETPCAP), BIT(CAP_SETUID) | BIT(CAP_SETPCAP), some);
        check_eq(prctl(PR_GET_KEEPCAPS), 0);
        check_eq(ambient_has(CAP_SETUID), 1);
        check_eq(getauxval(AT_SECURE), 0);
        check_eq(getuid(), 1000);
        check_ok(setresuid_(KEEP, 1001, 1002));
        stage("apart");
    }
    if (!strcmp(
            argv[1],
            "apart")) { /* real and effective ids differ (of ambient sets, kernels differ too) */
        check_eq(getauxval(AT_SECURE), 1);
        check_eq(getauxval(AT_EUID), 1001);
        uid_t r, e, s;
        check_ok(getresuid(&r, &e, &s));
        check(r == 1000 && e == 1001 && s == 1001);
        proc_says();
    }
    return check_done();
}
