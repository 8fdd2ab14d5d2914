/* SPDX-License-Identifier: Apache-2.0 */
/* Vector, x87 and general registers survive handlers and system calls; mxcsr is a thread's own. */
#include "check.h"
#include <pthread.h>
#include <sys/syscall.h>

static volatile double noise;

static void handler(int sig)
{
    (void)sig;
    /* A handler is free to use any register. */
    __asm__ volatile("pxor %%xmm0, %%xmm0\n\tpxor %%xmm7, %%xmm7\n\tpxor %%xmm15, %%xmm15" ::
                         : "xmm0", "xmm7", "xmm15");
    noise = noise * 1.5 + 1;
}

static void *churn(void *arg)
{
    volatile int *stop = arg;
    double x = 1;

    while (!*stop) {
        x = x * 1.000001 + 0.5;
        if (x > 1e9)
            x = 1;
        syscall(SYS_sched_yield);
    }
    noise = x;
    return NULL;
}

int main(void)
{
    static volatile int stop;
    unsigned long in[2] = {0x1122334455667788, 0x99aabbccddeeff00}, out7[2], out15[2];
    unsigned int mxcsr = 0x7f80, got;
    unsigned short control = 0x027f, got_control;
    pthread_t thread;
    long pid = getpid(), result;
    int wrong = 0;

    signal(SIGUSR1, handler);
    need(pthread_create(&thread, NULL, churn, (void *)&stop) == 0);
    for (int i = 0; i < 200; i++) {
        __asm__ volatile("movdqu %3, %%xmm7\n\tmovdqu %3, %%xmm15\n\t"
                         "syscall\n\t"
                         "movdqu %%xmm7, %1\n\tmovdqu %%xmm15, %2"
                         : "=a"(result), "=m"(out7), "=m"(out15)
                         : "m"(in), "0"(i % 2 ? (long)SYS_kill : (long)SYS_sched_yield), "D"(pid),
                           "S"((long)SIGUSR1)
                         : "rcx", "r11", "memory", "xmm7", "xmm15");
        wrong += result != 0 || memcmp(in, out7, 16) || memcmp(in, out15, 16);
    }
    check_eq(wrong, 0);

    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" ::"m"(mxcsr), "m"(control));
    raise(SIGUSR1);
    usleep(2000);
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(got), "=m"(got_control));
    check_eq(got & ~0x3fu, mxcsr);
    check_eq(got_control, control);
    stop = 1;
    pthread_join(thread, NULL);
    return check_done();
}
