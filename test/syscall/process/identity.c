/* SPDX-License-Identifier: Apache-2.0 */
/* uname, sysinfo, ids, sessions and affinity: sane values that agree with each other. */
#include "check.h"
#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

int main(void)
{
    struct utsname name;
    struct sysinfo info;
    cpu_set_t cpus;
    unsigned int cpu = 99999, node = 99999;
    uid_t r, e, s;
    gid_t groups[65536 / sizeof(gid_t)];
    int major = 0;

    check_ok(uname(&name));
    check(!strcmp(name.sysname, "Linux"));
    check(!strcmp(name.machine, "x86_64"));
    check(sscanf(name.release, "%d.", &major) == 1 && major >= 4);
    check(strlen(name.nodename) > 0);
    check_err(syscall(SYS_uname, (void *)8), EFAULT);

    check_ok(sysinfo(&info));
    check(info.totalram > 0 && info.mem_unit > 0);
    check(info.freeram <= info.totalram);
    check(info.procs > 0);

    check(getpid() > 0);
    check_eq(getpid(), syscall(SYS_gettid));
    check_ok(getresuid(&r, &e, &s));
    check_eq(r, getuid());
    check_eq(e, geteuid());
    check(getpgrp() >= 0);
    check(getsid(0) >= 0);
    check(getgroups(65536 / sizeof(gid_t), groups) >= 0);

    CPU_ZERO(&cpus);
    check_ok(sched_getaffinity(0, sizeof(cpus), &cpus));
    check(CPU_COUNT(&cpus) > 0);
    check_eq(sysconf(_SC_NPROCESSORS_ONLN) > 0, 1);
    check_ok(getcpu(&cpu, &node));
    check(cpu < 4096);
    check_eq(sysconf(_SC_PAGESIZE), 4096);
    check_ok(sched_yield());
    check_eq(sched_getscheduler(0), SCHED_OTHER);
    check_err(syscall(5000), ENOSYS);
    check_err(syscall(-1), ENOSYS);
    return check_done();
}
