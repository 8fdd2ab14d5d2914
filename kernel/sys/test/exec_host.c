/* SPDX-License-Identifier: Apache-2.0 */
/* See exec_host.h. */
#include "kernel/sys/test/exec_host.h"

#include <asm/prctl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

uint8_t *host_map_exec(uint64_t near, size_t size)
{
    for (uint64_t step = 0; step < 64; step++) {
        void *hint = (void *)(near ? near - (step + 1) * (16UL << 20) : 0);
        void *p = mmap(hint, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
        if (p == MAP_FAILED)
            return NULL;
        if (!near || labs((long)((uint64_t)p - near)) < 0x70000000)
            return p;
        munmap(p, size);
    }
    return NULL;
}

void host_set_gs(void *gs)
{
    syscall(SYS_arch_prctl, ARCH_SET_GS, gs);
}

void *host_alloc(size_t n)
{
    return calloc(1, n);
}

void host_free(void *p)
{
    free(p);
}
