/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libsoftsgx.so: preloaded, it answers for /dev/sgx_enclave, /dev/sgx_provision and the vDSO, so
 * that a program written for the Linux driver runs unchanged.  Each function here looks whether the
 * call is about an enclave and passes it on to libc otherwise.
 */
#include "softsgx/lp.h"
#include "softsgx/preload.h"
#include "softsgx/softsgx.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
/* The next definition of the function that this stands in. */
#define NEXT(name)                   \
    static __typeof__(&(name)) next; \
    if (!next)                       \
    next = (__typeof__(&(name)))(uintptr_t)dlsym(RTLD_NEXT, #name)

enum device { DEVICE_NONE, DEVICE_ENCLAVE, DEVICE_PROVISION };

static enum device device_of(const char *path)
{
    if (!path || strncmp(path, "/dev/sgx", 8) != 0)
        return DEVICE_NONE;
    if (!strcmp(path, "/dev/sgx_enclave") || !strcmp(path, "/dev/sgx/enclave"))
        return DEVICE_ENCLAVE;
    if (!strcmp(path, "/dev/sgx_provision") || !strcmp(path, "/dev/sgx/provision"))
        return DEVICE_PROVISION;
    return DEVICE_NONE;
}

static int result(int ret)
{
    if (ret >= 0)
        return ret;
    errno = -ret;
    return -1;
}

static void banner_print(void)
{
    static int done;
    const char *quiet = getenv("SOFTSGX_QUIET"), *text = softsgx_banner();
    if (__atomic_exchange_n(&done, 1, __ATOMIC_RELAXED) || (quiet && !strcmp(quiet, "1")))
        return;
    (void)!write(2, "softsgx: ", 9);
    (void)!write(2, text, strlen(text));
    (void)!write(2, "\n", 1);
}

static int device_open(enum device device, int flags)
{
    banner_print();
    int fd = device == DEVICE_ENCLAVE ? softsgx_open() : softsgx_open_provision();
    if (fd >= 0 && !(flags & O_CLOEXEC))
        fcntl(fd, F_SETFD, 0);
    return result(fd);
}

static mode_t mode_arg(int flags, va_list ap)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define DEFINE_OPEN(name)                             \
    EXPORT int name(const char *path, int flags, ...) \
    {                                                 \
        va_list ap;                                   \
        NEXT(name);                                   \
        enum device device = device_of(path);         \
        if (device != DEVICE_NONE)                    \
            return device_open(device, flags);        \
        va_start(ap, flags);                          \
        mode_t mode = mode_arg(flags, ap);            \
        va_end(ap);                                   \
        return next(path, flags, mode);               \
    }

#define DEFINE_OPENAT(name)                                    \
    EXPORT int name(int dir, const char *path, int flags, ...) \
    {                                                          \
        va_list ap;                                            \
        NEXT(name);                                            \
        enum device device = device_of(path);                  \
        if (device != DEVICE_NONE)                             \
            return device_open(device, flags);                 \
        va_start(ap, flags);                                   \
        mode_t mode = mode_arg(flags, ap);                     \
        va_end(ap);                                            \
        return next(dir, path, flags, mode);                   \
    }

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

/* A character device, as the driver's would look. */
#define FILL_STAT(st)                     \
    do {                                  \
        memset(st, 0, sizeof(*(st)));     \
        (st)->st_mode = S_IFCHR | 0666;   \
        (st)->st_nlink = 1;               \
        (st)->st_rdev = makedev(10, 125); \
        (st)->st_blksize = 4096;          \
    } while (0)

#define DEFINE_STAT(name, type)                        \
    EXPORT int name(const char *path, struct type *st) \
    {                                                  \
        NEXT(name);                                    \
        if (device_of(path) == DEVICE_NONE)            \
            return next(path, st);                     \
        FILL_STAT(st);                                 \
        return 0;                                      \
    }

DEFINE_STAT(stat, stat)
DEFINE_STAT(stat64, stat64)
DEFINE_STAT(lstat, stat)
DEFINE_STAT(lstat64, stat64)

EXPORT int access(const char *path, int mode)
{
    NEXT(access);
    return device_of(path) == DEVICE_NONE ? next(path, mode) : 0;
}

EXPORT int close(int fd)
{
    NEXT(close);
    return softsgx_owns(fd) ? result(softsgx_close(fd)) : next(fd);
}

EXPORT int ioctl(int fd, unsigned long req, ...)
{
    va_list ap;
    NEXT(ioctl);
    va_start(ap, req);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    if ((req >> 8 & 0xff) == SGX_MAGIC && softsgx_owns(fd))
        return result(softsgx_ioctl(fd, req, arg));
    return next(fd, req, arg);
}

EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
    NEXT(mmap);
    if (fd >= 0 && !(flags & MAP_ANONYMOUS) && softsgx_owns(fd))
        return softsgx_mmap(addr, len, prot, flags, fd, off);
    return next(addr, len, prot, flags, fd, off);
}

EXPORT void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
    return mmap(addr, len, prot, flags, fd, off);
}

EXPORT int mprotect(void *addr, size_t len, int prot)
{
    NEXT(mprotect);
    int ret = softsgx_mprotect(addr, len, prot);
    return ret == -ENOENT ? next(addr, len, prot) : result(ret);
}

EXPORT int munmap(void *addr, size_t len)
{
    NEXT(munmap);
    int ret = softsgx_munmap(addr, len);
    return ret == -ENOENT ? next(addr, len) : result(ret);
}

EXPORT int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
    return result(softsgx_sigaction(sig, act, old));
}

EXPORT sighandler_t signal(int sig, sighandler_t handler)
{
    struct sigaction act = {.sa_flags = SA_RESTART}, old;
    act.sa_handler = handler;
    return sigaction(sig, &act, &old) ? SIG_ERR : old.sa_handler;
}

/* The exceptions must stay deliverable, whatever the program blocks. */
static void mask_filter(sigset_t *set)
{
    static const int sync[] = {SIGSEGV, SIGILL, SIGSYS, SIGFPE, SIGBUS, SIGTRAP};
    for (size_t i = 0; i < sizeof(sync) / sizeof(sync[0]); i++)
        sigdelset(set, sync[i]);
}

#define DEFINE_MASK(name)                                        \
    EXPORT int name(int how, const sigset_t *set, sigset_t *old) \
    {                                                            \
        NEXT(name);                                              \
        sigset_t copy;                                           \
        if (!set || how == SIG_UNBLOCK)                          \
            return next(how, set, old);                          \
        copy = *set;                                             \
        mask_filter(&copy);                                      \
        return next(how, &copy, old);                            \
    }

DEFINE_MASK(sigprocmask)
DEFINE_MASK(pthread_sigmask)

/*
 * A thread that has entered an enclave has an alternate stack of softsgx's, which serves the program's
 * handlers as well: what the program wants is only noted.
 */
EXPORT int sigaltstack(const stack_t *ss, stack_t *old)
{
    static __thread stack_t wanted;
    NEXT(sigaltstack);
    if (!softsgx_lp)
        return next(ss, old);
    if (old) {
        *old = wanted;
        if (!wanted.ss_sp)
            old->ss_flags = SS_DISABLE;
    }
    if (!ss)
        return 0;
    bool off = ss->ss_flags & SS_DISABLE;
    if (!off && ss->ss_size < (size_t)MINSIGSTKSZ) {
        errno = ENOMEM;
        return -1;
    }
    memset(&wanted, 0, sizeof(wanted));
    if (!off)
        wanted = *ss;
    return 0;
}

EXPORT unsigned long getauxval(unsigned long type)
{
    NEXT(getauxval);
    unsigned long value = next(type);
    return type == AT_SYSINFO_EHDR ? (unsigned long)vdso_image((const void *)value) : value;
}
