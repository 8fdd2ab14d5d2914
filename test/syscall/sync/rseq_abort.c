/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rseq critical sections that would never end: a signal ends one, and its frame shows the abort
 * handler; preemption ends them; membarrier ends them; a section that is not entered is forgotten.
 */
#include "futex.h"
#include <linux/membarrier.h>
#include <sys/rseq.h>
#include <ucontext.h>

#define SPINNERS 5

static __thread volatile unsigned aborts;
static uintptr_t frame_rip, abort_rip;
static unsigned in_section, aborted, stop;

static struct rseq *area(void)
{
    return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

/* Spins in a critical section until it is aborted. */
static void spin_in_section(void)
{
    uintptr_t at = 0;

    __asm__ volatile(".pushsection .data.rel, \"aw\"\n\t"
                     ".balign 32\n"
                     "7: .long 0, 0\n\t"
                     ".quad 1f, 2f - 1f, 4f\n\t"
                     ".popsection\n\t"
                     "leaq 4f(%%rip), %%rax\n\t"
                     "movq %%rax, %0\n\t"
                     "leaq 7b(%%rip), %%rax\n\t"
                     "movq %%rax, %2\n"
                     "1: lock incl %1\n"
                     "3: pause\n\t"
                     "jmp 3b\n"
                     "2:\n\t"
                     "jmp 5f\n\t"
                     ".long 0x53053053\n"
                     "4:\n"
                     "5:\n"
                     : "=&r"(at), "+m"(in_section), "=m"(area()->rseq_cs)
                     :
                     : "rax", "memory", "cc");
    abort_rip = at;
    aborts++;
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    frame_rip = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

static void *section_until_signal(void *arg)
{
    (void)arg;
    spin_in_section();
    check_eq(aborts, 1);
    check_eq(area()->rseq_cs, 0);
    return NULL;
}

/* It may be preempted, too, before the signal comes: then the frame shows another place. */
static void check_signal(void)
{
    struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    int shown = 0;

    sigaction(SIGUSR1, &act, NULL);
    for (int i = 0; i < 100 && !shown; i++) {
        store(&in_section, 0);
        pthread_t t = spawn(section_until_signal, NULL);
        check(eventually(load(&in_section)));
        pthread_kill(t, SIGUSR1);
        pthread_join(t, NULL);
        shown = frame_rip == abort_rip;
    }
    check(shown);
}

static void *section_and_compute(void *arg)
{
    (void)arg;
    spin_in_section();
    __atomic_add_fetch(&aborted, 1, __ATOMIC_SEQ_CST);
    /* The others need somebody who takes the CPU away from them. */
    while (!load(&stop))
        continue;
    return NULL;
}

static void check_preemption(void)
{
    pthread_t t[SPINNERS];

    for (int i = 0; i < SPINNERS; i++)
        t[i] = spawn(section_and_compute, NULL);
    check(eventually(load(&aborted) == SPINNERS));
    store(&stop, 1);
    for (int i = 0; i < SPINNERS; i++)
        pthread_join(t[i], NULL);
}

static long membarrier(int cmd, unsigned flags, int cpu)
{
    return syscall(SYS_membarrier, cmd, flags, cpu);
}

static void check_membarrier(void)
{
    check_err(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0), EPERM);
    check_eq(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0), 0);
    store(&in_section, 0);
    pthread_t t = spawn(section_until_signal, NULL);
    check(eventually(load(&in_section)));
    check_eq(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0), 0);
    pthread_join(t, NULL);
    check_eq(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_FLAG_CPU, 0), 0);
    check_eq(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_FLAG_CPU, 100000), 0);
    check_err(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 2, 0), EINVAL);
}

int main(void)
{
    if (!__rseq_size) {
        check(!"the C library has not registered rseq");
        return check_done();
    }
    check_signal();
    check_preemption();
    check_membarrier();
    return check_done();
}
