/* SPDX-License-Identifier: Apache-2.0 */
/* See usercopy_host.h. */
#include "kernel/sys/test/usercopy_host.h"

#include <asm/prctl.h>
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

struct fixup_entry {
    int32_t insn, fixup;
};
static const struct fixup_entry *table;
static size_t table_len;
static uint64_t *fault_addr, *fault_error;

/* The section has no symbols in an ordinary link: find it in our own file. */
static void table_find(void)
{
    static Elf64_Ehdr e;
    static Elf64_Shdr sh[128];
    static char names[8192];
    extern const char __ehdr_start[] __attribute__((visibility("hidden")));
    FILE *f = fopen("/proc/self/exe", "r");
    if (!f || fread(&e, sizeof(e), 1, f) != 1)
        abort();
    fseek(f, (long)e.e_shoff, SEEK_SET);
    if (e.e_shnum > 128 || fread(sh, sizeof(sh[0]), e.e_shnum, f) != e.e_shnum)
        abort();
    fseek(f, (long)sh[e.e_shstrndx].sh_offset, SEEK_SET);
    if (!fread(names, 1, sizeof(names), f))
        abort();
    fclose(f);
    for (int i = 0; i < e.e_shnum; i++) {
        if (!strcmp(names + sh[i].sh_name, ".fixup_table")) {
            table = (const struct fixup_entry *)(__ehdr_start + sh[i].sh_addr);
            table_len = sh[i].sh_size / sizeof(*table);
        }
    }
    if (table_len < 10)
        abort();
}

static void on_fault(int sig, siginfo_t *si, void *arg)
{
    ucontext_t *uc = arg;
    uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
    (void)sig;
    for (size_t i = 0; i < table_len; i++) {
        if ((uint64_t)&table[i].insn + (uint64_t)(int64_t)table[i].insn == rip) {
            uc->uc_mcontext.gregs[REG_RIP] =
                (greg_t)((uint64_t)&table[i].fixup + (uint64_t)(int64_t)table[i].fixup);
            *fault_addr = (uint64_t)si->si_addr;
            *fault_error = (uint64_t)uc->uc_mcontext.gregs[REG_ERR];
            return;
        }
    }
    signal(SIGSEGV, SIG_DFL); /* a real one: die */
}

uint8_t *host_setup(void *gs, size_t size, uint64_t *addr, uint64_t *error)
{
    fault_addr = addr;
    fault_error = error;
    table_find();
    syscall(SYS_arch_prctl, ARCH_SET_GS, gs);
    void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mem == MAP_FAILED ? NULL : mem;
}

void host_catch_faults(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

    sigaction(SIGSEGV, &sa, NULL);
}

void host_open(void *page, bool open)
{
    mprotect(page, 4096, open ? PROT_READ | PROT_WRITE : PROT_NONE);
}
