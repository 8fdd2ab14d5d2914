/* SPDX-License-Identifier: Apache-2.0 */
/* sigaltstack: handlers with SA_ONSTACK run there, others do not; the state shows. */
#include "check.h"

static unsigned char alt[65536] __attribute__((aligned(16)));
static volatile int inside;
static volatile int flags_inside;

static void handler(int sig)
{
    unsigned char here;
    stack_t now;

    (void)sig;
    inside = &here >= alt && &here < alt + sizeof(alt);
    sigaltstack(NULL, &now);
    flags_inside = now.ss_flags;
}

int main(void)
{
    stack_t stack = {.ss_sp = alt, .ss_size = sizeof(alt)}, old;
    struct sigaction act = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

    check_ok(sigaltstack(NULL, &old));
    check_eq(old.ss_flags, SS_DISABLE);
    check_ok(sigaltstack(&stack, NULL));
    check_ok(sigaltstack(NULL, &old));
    check(old.ss_sp == alt);
    check_eq(old.ss_size, sizeof(alt));
    check_eq(old.ss_flags, 0);

    check_ok(sigaction(SIGUSR1, &act, NULL));
    raise(SIGUSR1);
    check_eq(inside, 1);
    check_eq(flags_inside, SS_ONSTACK);
    act.sa_flags = 0;
    check_ok(sigaction(SIGUSR1, &act, NULL));
    raise(SIGUSR1);
    check_eq(inside, 0);
    check_eq(flags_inside, 0);

    stack.ss_size = 100;
    check_err(sigaltstack(&stack, NULL), ENOMEM);
    stack.ss_flags = 0x55;
    check_err(sigaltstack(&stack, NULL), EINVAL);
    stack = (stack_t){.ss_flags = SS_DISABLE};
    check_ok(sigaltstack(&stack, NULL));
    check_ok(sigaltstack(NULL, &old));
    check_eq(old.ss_flags, SS_DISABLE);
    return check_done();
}
