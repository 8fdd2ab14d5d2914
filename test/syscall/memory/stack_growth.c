/* SPDX-License-Identifier: Apache-2.0 */
/* The main stack grows on demand up to RLIMIT_STACK, and a runaway recursion is SIGSEGV. */
#include "check.h"
#include <sys/resource.h>

static sigjmp_buf jump;
static volatile int depth_reached;

__attribute__((noinline)) static int recurse(int depth)
{
    volatile unsigned char frame[4096];

    frame[0] = (unsigned char)depth;
    frame[4095] = (unsigned char)depth;
    depth_reached = depth;
    if (depth == 0)
        return frame[0];
    return recurse(depth - 1) + frame[4095];
}

__attribute__((noinline)) static int runaway(int depth)
{
    volatile unsigned char frame[4096];

    frame[0] = (unsigned char)depth;
    depth_reached = depth;
    /* Never true, but the compiler cannot know. */
    if (depth == -1)
        return frame[0];
    return runaway(depth + 1) + frame[0];
}

static void handler(int sig)
{
    siglongjmp(jump, sig);
}

int main(void)
{
    static unsigned char alt[65536];
    stack_t stack = {.ss_sp = alt, .ss_size = sizeof(alt)};
    struct sigaction act = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    struct rlimit limit;

    check_ok(getrlimit(RLIMIT_STACK, &limit));
    check(limit.rlim_cur >= 1 << 20);
    /* 4 MiB of an 8 MiB stack. */
    check(recurse(1000) > 0);
    check_eq(depth_reached, 0);

    check_ok(sigaltstack(&stack, NULL));
    check_ok(sigaction(SIGSEGV, &act, NULL));
    if (sigsetjmp(jump, 1) == 0) {
        runaway(0);
        check(!"the runaway recursion returned");
    }
    check(depth_reached > 1000);
    check(recurse(100) > 0);
    return check_done();
}
