/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks of handlers: an overflow recovered from on the alternate stack, nested handlers there,
 * SS_AUTODISARM, what sigaltstack refuses and when, an alternate stack that is too small for the
 * frame, unaligned stacks, leaving by siglongjmp, the frame's shape.
 */
#include "check.h"
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
#define SIZE 65536UL

static unsigned char alt[SIZE], other[SIZE];
static sigjmp_buf jump;
static volatile int calls, depth, deepest, on_alt, flags_inside, aligned;
static siginfo_t last;

static int in(const void *p, const unsigned char *stack)
{
    return (const unsigned char *)p >= stack && (const unsigned char *)p < stack + SIZE;
}

static int state(void)
{
    stack_t now;
    return sigaltstack(NULL, &now) ? -1 : now.ss_flags;
}

static int set(void *sp, size_t size, int flags)
{
    stack_t s = {.ss_sp = sp, .ss_size = size, .ss_flags = flags};
    return sigaltstack(&s, NULL);
}

static void catch (int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
    struct sigaction act = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags};
    check_ok(sigaction(sig, &act, NULL));
}

static void on_overflow(int sig, siginfo_t *info, void *context)
{
    last = *info;
    on_alt = in(&sig, alt);
    flags_inside = state();
    (void)context;
    siglongjmp(jump, sig);
}

static int recurse(int n)
{
    volatile char page[4096];
    page[0] = (char)n;
    return n > 1 << 20 ? n : recurse(n + 1) + page[0];
}

static void overflow(void)
{
    struct rlimit limit;

    check_ok(getrlimit(RLIMIT_STACK, &limit));
    limit.rlim_cur = 1 << 20;
    check_ok(setrlimit(RLIMIT_STACK, &limit));
    catch (SIGSEGV, on_overflow, SA_ONSTACK);
    for (int i = 0; i < 3; i++) {
        on_alt = flags_inside = -1;
        if (!sigsetjmp(jump, 1))
            recurse(0);
        check_eq(last.si_signo, SIGSEGV);
        check_eq(on_alt, 1);
        check_eq(flags_inside, SS_ONSTACK);
        check_eq(state(), 0);
    }
}

static void on_nested(int sig, siginfo_t *info, void *context)
{
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

    (void)info;
    (void)context;
    aligned += frame % 16 == 0;
    on_alt += in(&frame, alt);
    if (++depth > deepest)
        deepest = depth;
    if (calls++ < 3)
        raise(sig == SIGUSR1 ? SIGUSR2 : SIGUSR1);
    check_eq(set(other, SIZE, 0) == -1 ? errno : 0, EPERM);
    check_eq(set(NULL, 0, SS_DISABLE) == -1 ? errno : 0, EPERM);
    depth--;
}

static void nested(void)
{
    catch (SIGUSR1, on_nested, SA_ONSTACK | SA_NODEFER);
    catch (SIGUSR2, on_nested, SA_ONSTACK | SA_NODEFER);
    on_alt = aligned = 0;
    raise(SIGUSR1);
    check_eq(calls, 4);
    check_eq(deepest, 4);
    check_eq(on_alt, 4);
    check_eq(aligned, 4);
    check_eq(state(), 0);
}

static void on_disarmed(int sig, siginfo_t *info, void *context)
{
    const stack_t *s = &((ucontext_t *)context)->uc_stack;

    (void)sig;
    (void)info;
    on_alt = in(&sig, alt);
    flags_inside = state();
    check(s->ss_sp == (void *)alt);
    check_eq(s->ss_size, SIZE);
    check_eq((unsigned)s->ss_flags, SS_AUTODISARM);
    /* Free to be set anew, and comes back by itself. */
    check_ok(set(other, SIZE, 0));
}

static void disarmed(void)
{
    check_ok(set(alt, SIZE, (int)SS_AUTODISARM));
    check_eq((unsigned)state(), SS_AUTODISARM);
    catch (SIGUSR1, on_disarmed, SA_ONSTACK);
    raise(SIGUSR1);
    check_eq(on_alt, 1);
    check_eq(flags_inside, SS_DISABLE);
    check_eq((unsigned)state(), SS_AUTODISARM);
    check_ok(set(alt, SIZE, (int)(SS_AUTODISARM | SS_ONSTACK)));
    check_eq((unsigned)state(), SS_AUTODISARM);
    check_ok(set(NULL, 0, (int)(SS_AUTODISARM | SS_DISABLE)));
    check_eq((unsigned)state(), SS_AUTODISARM | SS_DISABLE);
    check_ok(set(NULL, 0, SS_DISABLE));
    check_eq(state(), SS_DISABLE);
}

static void refused(void)
{
    stack_t old, good = {.ss_sp = alt, .ss_size = SIZE};

    check_ok(set(alt, SIZE, 0));
    check_err(set(alt, 2047, 0), ENOMEM);
    check_err(set(alt, SIZE, 4), EINVAL);
    check_err(set(alt, 1, 4), EINVAL);
    check_ok(set(alt, 2048, 0));
    check_ok(set((void *)8, SIZE, 0)); /* nobody looks there */
    check_ok(set((void *)-1L, 1UL << 40, SS_ONSTACK));
    check_err(sigaltstack((void *)8, &old), EFAULT);
    /* The new one counts even when the old one cannot be told. */
    check_err(syscall(SYS_sigaltstack, &good, 8), EFAULT);
    check_ok(sigaltstack(NULL, &old));
    check(old.ss_sp == (void *)alt);
    check_eq(old.ss_size, SIZE);
    check(getauxval(AT_MINSIGSTKSZ) >= 1024 && getauxval(AT_MINSIGSTKSZ) < 16384);
}

/* 2048 bytes pass sigaltstack, but no frame with AVX state fits: SIGSEGV on the ordinary stack. */
static void on_small(int sig, siginfo_t *info, void *context)
{
    (void)context;
    last = *info;
    on_alt = in(&sig, alt);
    siglongjmp(jump, sig);
}

static void small(void)
{
    sigset_t now;

    if (getauxval(AT_MINSIGSTKSZ) <= 2048)
        return;
    check_ok(set(alt, 2048, 0));
    catch (SIGUSR1, on_small, SA_ONSTACK);
    catch (SIGSEGV, on_small, 0);
    if (!sigsetjmp(jump, 1))
        raise(SIGUSR1);
    check_eq(last.si_signo, SIGSEGV);
    check_eq(last.si_code, SI_KERNEL);
    check_eq((intptr_t)last.si_addr, 0);
    check_eq(on_alt, 0);
    sigprocmask(SIG_BLOCK, NULL, &now);
    check_eq(sigismember(&now, SIGUSR1), 0);
    check_ok(set(alt, SIZE, 0));
}

static void on_odd(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    (void)context;
    aligned = (uintptr_t)__builtin_frame_address(0) % 16 == 0;
    calls++;
}

/* The interrupted program's stack pointer may be anything, and its red zone is kept. */
static void odd(void)
{
    long pid = getpid(), kept = 0x1122334455667788, result;

    catch (SIGUSR1, on_odd, 0);
    for (long off = 1; off < 64; off += 13) {
        calls = 0;
        __asm__ volatile("mov %%rsp, %%rbx\n\tsub $1024, %%rsp\n\tsub %[off], %%rsp\n\t"
                         "mov %[kept], -8(%%rsp)\n\tmov %[kept], -128(%%rsp)\n\t"
                         "mov %[nr], %%eax\n\tsyscall\n\t"
                         "mov -8(%%rsp), %%rcx\n\txor -128(%%rsp), %%rcx\n\tadd %%rcx, %%rax\n\t"
                         "mov %%rbx, %%rsp"
                         : "=&a"(result)
                         : [off] "r"(off), [kept] "r"(kept), [nr] "i"(SYS_kill), "D"(pid),
                           "S"((long)SIGUSR1)
                         : "rcx", "rdx", "rbx", "r11", "memory");
        check_eq(result, 0);
        check_eq(calls, 1);
        check_eq(aligned, 1);
    }
}

static void on_jump(int sig, siginfo_t *info, void *context)
{
    (void)info;
    (void)context;
    siglongjmp(jump, sig);
}

/* Whoever leaves by siglongjmp leaves nothing behind. */
static void jumps(void)
{
    volatile int rounds = 0;

    catch (SIGUSR1, on_jump, SA_ONSTACK);
    while (rounds < 2000) {
        rounds++;
        if (!sigsetjmp(jump, 1)) {
            raise(SIGUSR1);
            break;
        }
        if (state())
            break;
    }
    check_eq(rounds, 2000);
}

int main(void)
{
    check_ok(set(alt, SIZE, 0));
    overflow();
    nested();
    disarmed();
    refused();
    small();
    odd();
    jumps();
    return check_done();
}
