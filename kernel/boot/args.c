/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking over what the host passed.  `s` is already a trusted copy of the block itself; the strings
 * that it points to are copied here, once, each with a limit.
 */
#include "kernel/boot/args.h"

#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/ocall/hostmem.h"
#include "kernel/sched/vcpus.h"
#include "lib/string.h"

#define STRING_MAX 65536UL
#define VECTOR_MAX (8UL << 20)

/* len bytes of host memory as a string: a NUL is added. */
static char *string_take(haddr_t addr, uint64_t len, const char *what)
{
    if (len > VECTOR_MAX || !host_range_ok(addr, len))
        panic("the host's start block is wrong: %s", what);
    char *s = kzalloc(len + 1);
    if (!s)
        panic("out of memory while taking over %s; raise sgx.enclave_size", what);
    if (len)
        host_in(s, addr, len);
    return s;
}

/* Strings one after the other become a vector. */
static char **vector_take(haddr_t addr, uint64_t len, const char *what)
{
    char *text = string_take(addr, len, what);
    size_t n = 0, i = 0;

    for (uint64_t at = 0; at < len; at += strlen(text + at) + 1)
        n++;
    char **v = kzalloc((n + 1) * sizeof(*v));
    if (!v)
        panic("out of memory while taking over %s; raise sgx.enclave_size", what);
    for (uint64_t at = 0; at < len; at += strlen(text + at) + 1)
        v[i++] = text + at;
    return v;
}

void boot_args_take(const struct host_start *s)
{
    struct boot_args *a = kzalloc(sizeof(*a));
    if (!a)
        panic("out of memory at start; raise sgx.enclave_size or --memory");
    kernel.boot_args = a;
    a->flags = s->flags;
    a->ncpu = vcpus_limit();
    a->argv = vector_take(s->argv, s->argv_len, "argv");
    a->envp = vector_take(s->envp, s->envp_len, "envp");
    a->cwd = string_take(s->cwd, MIN(s->cwd_len, STRING_MAX), "cwd");
    a->program = string_take(s->program, MIN(s->program_len, STRING_MAX), "program");
    a->trace = string_take(s->trace, MIN(s->trace_len, STRING_MAX), "trace");
    a->hostname = string_take(s->hostname, MIN(s->hostname_len, 64UL), "hostname");
    a->uid = s->uid;
    a->gid = s->gid;
    a->umask = s->umask & 0777;
    a->control_fd = s->control_fd;
    a->link_fd = s->link_fd;
    a->satellites = s->flags & HOST_FLAG_SATELLITE ? 0 : MIN(s->satellites, SATELLITE_MAX);
    a->clock = s->clock;
    if (!host_range_ok(s->side, s->side_len))
        panic("the host's start block is wrong: side data");
    if (!host_range_ok(s->table, s->table_len))
        panic("the host's start block is wrong: table of files");
    a->side = s->side;
    a->side_len = s->side_len;
    a->table = s->table;
    a->table_len = s->table_len;
}
