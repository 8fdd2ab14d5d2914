/* SPDX-License-Identifier: Apache-2.0 */
/* Recovers from SIGSEGV by sigsetjmp, again and again, then commits memory from its handler. */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

static sigjmp_buf jump;
static char *area;
static volatile int committed;

static void handler(int sig, siginfo_t *info, void *context)
{
    char *page = (char *)((uintptr_t)info->si_addr & ~4095ul);

    (void)context;
    if (area && page >= area && page < area + (64 << 12)) {
        mprotect(page, 4096, PROT_READ | PROT_WRITE);
        committed++;
        return;
    }
    siglongjmp(jump, sig);
}

int main(void)
{
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    volatile int recovered = 0;
    volatile long sum = 0;

    sigaction(SIGSEGV, &act, NULL);
    for (volatile int i = 0; i < 500; i++) {
        if (sigsetjmp(jump, 1) == 0)
            *(volatile int *)(uintptr_t)(i * 8) = 1;
        else
            recovered++;
    }
    printf("recovered %d times\n", recovered);
    area = mmap(NULL, 64 << 12, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 64 << 12; i += 100)
        area[i] = (char)i;
    for (int i = 0; i < 64 << 12; i += 100)
        sum += area[i];
    printf("committed %d pages, sum %ld\n", committed, sum);
    return 0;
}
