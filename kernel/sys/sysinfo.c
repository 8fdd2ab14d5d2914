/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program is told of the system that it runs on: names, memory, load, CPU, random bytes.
 *
 * The kernel presents itself as Linux 6.1.  The host's name is used in a development enclave only;
 * a signed one is called "localhost", since the host's word must not change what is measured.
 */
#include "kernel/sys/sysinfo.h"

#include <linux/errno.h>
#include <linux/random.h>
#include <linux/sysinfo.h>

#include "abi/host/start.h"
#include "kernel/arch/vcpu.h"
#include "kernel/boot/args.h"
#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "kernel/ocall/ocall.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/process.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/thread.h"
#include "kernel/sgx/random.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/config.h"
#include "lib/string.h"
#include "kernel/sys/syscalls.h"

/* [l] guards the names, which sethostname may change. */
static struct spinlock uts_lock;
static char uts_nodename[UTS_LEN + 1];
static char uts_domainname[UTS_LEN + 1] = "(none)";

static bool name_char_ok(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

/* The host's name for itself, if the configuration lets it in and it looks like one. */
static const char *nodename_first(void)
{
    const char *name = kernel.boot_args ? kernel.boot_args->hostname : NULL;
    size_t n = 0;

    if (!name || !config_flag(kernel.config, CONFIG_F_DEV))
        return "localhost";
    while (name_char_ok(name[n]))
        n++;
    return n && n <= UTS_LEN && !name[n] ? name : "localhost";
}

void uts_get(struct new_utsname *out)
{
    memset(out, 0, sizeof(*out));
    str_copy(out->sysname, "Linux", sizeof(out->sysname));
    str_copy(out->release, UTS_RELEASE, sizeof(out->release));
    str_copy(out->version, UTS_VERSION, sizeof(out->version));
    str_copy(out->machine, "x86_64", sizeof(out->machine));
    spin_lock(&uts_lock);
    if (!uts_nodename[0])
        str_copy(uts_nodename, nodename_first(), sizeof(uts_nodename));
    memcpy(out->nodename, uts_nodename, sizeof(uts_nodename));
    memcpy(out->domainname, uts_domainname, sizeof(uts_domainname));
    spin_unlock(&uts_lock);
}

static long uts_set(char *field, uaddr_t name, int len)
{
    char buf[UTS_LEN + 1] = {0};

    if (!capable(CAP_SYS_ADMIN))
        return reject(-EPERM, "not root");
    if (len < 0 || len > UTS_LEN)
        return -EINVAL;
    if (copy_in(buf, name, (size_t)len))
        return -EFAULT;
    spin_lock(&uts_lock);
    memcpy(field, buf, sizeof(buf));
    spin_unlock(&uts_lock);
    return 0;
}

long sys_uname(uaddr_t name)
{
    struct new_utsname uts;

    uts_get(&uts);
    return copy_out(name, &uts, sizeof(uts));
}

long sys_sethostname(uaddr_t name, int len)
{
    return uts_set(uts_nodename, name, len);
}

long sys_setdomainname(uaddr_t name, int len)
{
    return uts_set(uts_domainname, name, len);
}

/*
 * Memory is the enclave's, time is ours; the load averages are the host's word and matter to
 * nobody.
 */
long sys_sysinfo(uaddr_t info)
{
    struct host_sysinfo host;
    struct sysinfo si = {.mem_unit = 1};
    size_t limit = epage_limit(), used = epage_count();

    ocall_sysinfo(&host);
    si.uptime = (clock_mono() + clock_boot_off()) / 1000000000;
    for (int i = 0; i < 3; i++)
        si.loads[i] = (unsigned long)host.loads[i];
    si.totalram = limit * PAGE_SIZE;
    si.freeram = (used < limit ? limit - used : 0) * PAGE_SIZE;
    si.procs = (uint16_t)MIN(threads_count() + 1, UINT16_MAX);
    return copy_out(info, &si, sizeof(si));
}

/* /dev/urandom and /dev/random are one source here, the CPU's, which never has to wait. */
long sys_getrandom(uaddr_t buf, size_t count, unsigned flags)
{
    uint8_t piece[256];
    size_t done = 0;

    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
        (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    count = MIN(count, (size_t)INT32_MAX);
    while (done < count) {
        size_t n = MIN(count - done, sizeof(piece));
        random_bytes(piece, n);
        size_t left = copy_out_partial(buf + done, piece, n);
        done += n - left;
        if (left)
            return done ? (long)done : -EFAULT;
        if (done % PAGE_SIZE == 0 && thread_interrupted())
            break;
    }
    memset(piece, 0, sizeof(piece));
    __asm__ volatile("" : : "r"(piece) : "memory"); /* the wipe stays */
    return (long)done;
}

long sys_getcpu(uaddr_t cpu, uaddr_t node, uaddr_t cache)
{
    uint32_t index = vcpu_this()->head.index, zero = 0;

    (void)cache; /* unused since Linux 2.6.24 */
    if ((cpu && copy_out(cpu, &index, sizeof(index))) ||
        (node && copy_out(node, &zero, sizeof(zero))))
        return -EFAULT;
    return 0;
}

long sys_syslog(int type, uaddr_t buf, int len)
{
    (void)type, (void)buf, (void)len;
    return reject(-EPERM, "there is no kernel log inside");
}
