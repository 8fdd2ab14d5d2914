/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages before the vDSO are nobody's to write: a store there is a SIGSEGV, and a read(2) to there EFAULT.
 * Whatever a program tries, no clock is wrong after it, its own or another's.
 */
#include "check.h"
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define PAGE 4096UL
#define WORDS (PAGE / sizeof(uint64_t))

static long long now(int by_call)
{
    struct timespec t;

    if (by_call)
        syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
    else
        clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int clock_is_right(void)
{
    long long by_vdso, before = now(1);

    by_vdso = now(0);
    return before <= by_vdso && by_vdso <= now(1);
}

/* A store there is a fault, as on any page that may only be read; later words are tried too. */
static int stores_refused(volatile uint64_t *page, uint64_t by)
{
    struct sigaction act = {.sa_sigaction = check_fault_handler, .sa_flags = SA_SIGINFO};
    volatile int refused = 0;

    sigaction(SIGSEGV, &act, NULL);
    for (volatile size_t i = 0; i < WORDS; i++) {
        if (!sigsetjmp(check_fault_jump, 1))
            __asm__ volatile("addq %1, %0" : "+m"(page[i]) : "r"(by));
        else if (check_fault_info.si_code == SEGV_ACCERR &&
                 check_fault_info.si_addr == (void *)&page[i])
            refused++;
    }
    return refused;
}

static void try_page(uint64_t *page)
{
    int pipes[2], status = -1;

    pid_t pid = fork();
    if (pid == 0) {
        (void)!mprotect(page, PAGE, PROT_READ | PROT_WRITE);
        stores_refused(page, 1000);
        _exit(!clock_is_right());
    }
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    check(clock_is_right());

    check_eq(mprotect(page, PAGE, PROT_READ | PROT_WRITE), -1);
    check_eq(stores_refused(page, 0), WORDS);
    need(pipe(pipes) == 0 && write(pipes[1], "12345678", 8) == 8);
    check_err(read(pipes[0], page, 8), EFAULT);
    close(pipes[0]);
    close(pipes[1]);
}

static uint64_t *vvar_in_maps(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[256], prot[4];
    size_t start = 0, at;

    need(maps != NULL);
    while (fgets(line, sizeof(line), maps))
        if (strstr(line, "[vvar]") && sscanf(line, "%zx-%*x %3s", &at, prot) == 2 && !start) {
            start = at;
            check_eq(strcmp(prot, "r--"), 0);
        }
    fclose(maps);
    return (uint64_t *)start;
}

int main(void)
{
    uint64_t *vvar = vvar_in_maps();

    need(vvar != NULL);
    try_page(vvar);
    try_page((uint64_t *)(getauxval(AT_SYSINFO_EHDR) - PAGE));
    return check_done();
}
