/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clone and clone3 for threads, without a C library's help: which flags go together, sizes of
 * clone_args, stacks, set_tid, TLS, where the tid is written and cleared.
 */
#include "futex.h"
#include <asm/prctl.h>
#include <linux/sched.h>
#include <sys/mman.h>

#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define STACK 65536
#define NO_TID 0x3ffffff0

static unsigned parent_tid, child_tid, ran, child_saw;
static unsigned long tls[8], child_fs;
static struct clone_args args[64];

/* Waits until the kernel has cleared and woken the word. */
static void join(unsigned *word)
{
    for (unsigned tid; (tid = load(word)) != 0;)
        futex(word, FUTEX_WAIT, tid, NULL, NULL, 0);
}

/* The child's life, on its own stack and without thread-local storage of the C library's. */
__attribute__((noinline, used)) static void child_main(void)
{
    unsigned long fs = 0, ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"((long)SYS_arch_prctl), "D"((long)ARCH_GET_FS), "S"(&fs)
                     : "rcx", "r11", "memory");
    __asm__ volatile("syscall" : "=a"(ret) : "0"((long)SYS_gettid) : "rcx", "r11", "memory");
    child_fs = fs;
    child_saw = (unsigned)ret;
    __atomic_store_n(&ran, 1, __ATOMIC_SEQ_CST);
    __asm__ volatile("syscall" : : "a"((long)SYS_exit), "D"(0L) : "rcx", "r11", "memory");
}

static long raw(long nr, long a, long b, long c, long d, long e)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    long ret;

    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xorl %%ebp, %%ebp\n\t"
                     "andq $-16, %%rsp\n\t"
                     "call child_main\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(ret)
                     : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    if (ret < 0 && ret > -4096) {
        errno = (int)-ret;
        return -1;
    }
    return ret;
}

static long clone_(unsigned long flags, void *stack)
{
    return raw(SYS_clone, (long)flags, (long)stack, (long)&parent_tid, (long)&child_tid, (long)tls);
}

static long clone3_(size_t size)
{
    return raw(SYS_clone3, (long)args, (long)size, 0, 0, 0);
}

static struct clone_args *fresh(char *stack)
{
    memset(args, 0, sizeof(args));
    args[0].flags = THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                    CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;
    args[0].stack = (uintptr_t)stack;
    args[0].stack_size = STACK;
    args[0].parent_tid = (uintptr_t)&parent_tid;
    args[0].child_tid = (uintptr_t)&child_tid;
    args[0].tls = (uintptr_t)tls;
    ran = 0;
    parent_tid = child_saw = 0;
    return args;
}

static void check_clone(char *stack)
{
    static const unsigned long ignored[] = {0,        CLONE_PTRACE, CLONE_UNTRACED, CLONE_DETACHED,
                                            CLONE_IO, SIGUSR1};
    unsigned long flags = THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                          CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;

    for (unsigned i = 0; i < sizeof(ignored) / sizeof(*ignored); i++) {
        ran = 0;
        child_tid = 1;
        long tid = check_ok(clone_(flags | ignored[i], stack + STACK));
        check_eq(parent_tid, tid);
        join(&child_tid);
        check_eq(ran, 1);
        check_eq(child_saw, tid);
        check_eq(child_fs, (unsigned long)tls);
    }
    /* Without SETTLS the child has the parent's; without CLEARTID the word stays. */
    ran = 0;
    child_tid = 77;
    check_ok(clone_(THREAD | CLONE_SYSVSEM, stack + STACK));
    check(eventually(load(&ran)));
    check_eq(child_fs, (unsigned long)__builtin_thread_pointer());
    check_eq(child_tid, 77);
    usleep(1000); /* it is on its way out, on the stack that others get next */
    check(eventually(syscall(SYS_tgkill, getpid(), child_saw, 0) == -1));

    check_err(clone_(THREAD & ~(unsigned long)CLONE_SIGHAND, stack + STACK), EINVAL);
    check_err(clone_(THREAD & ~(unsigned long)CLONE_VM, stack + STACK), EINVAL);
    check_err(clone_(CLONE_SIGHAND | SIGCHLD, stack + STACK), EINVAL);
    check_err(clone_(THREAD | CLONE_NEWNS, stack + STACK), EINVAL);
    check_err(clone_(THREAD | CLONE_NEWUSER, stack + STACK), EINVAL);
    check_err(clone_(THREAD | CLONE_NEWPID, stack + STACK), EINVAL);
}

static void check_clone3(char *stack)
{
    static const size_t sizes[] = {CLONE_ARGS_SIZE_VER0, CLONE_ARGS_SIZE_VER1, CLONE_ARGS_SIZE_VER2,
                                   4096};

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        fresh(stack);
        child_tid = 1;
        long tid = check_ok(clone3_(sizes[i]));
        join(&child_tid);
        check_eq(parent_tid, tid);
        check_eq(child_saw, tid);
        check_eq(child_fs, (unsigned long)tls);
    }
    fresh(stack);
    check_err(clone3_(CLONE_ARGS_SIZE_VER0 - 1), EINVAL);
    check_err(clone3_(0), EINVAL);
    check_err(clone3_(4097), E2BIG);
    check_err(raw(SYS_clone3, 8, 64, 0, 0, 0), EFAULT);
    ((char *)args)[4095] = 1;
    check_err(clone3_(4096), E2BIG);
    fresh(stack)->flags |= CLONE_DETACHED;
    check_err(clone3_(88), EINVAL);
    fresh(stack)->flags |= 1; /* where clone has the signal */
    check_err(clone3_(88), EINVAL);
    fresh(stack)->flags |= 1ull << 50;
    check_err(clone3_(88), EINVAL);
    fresh(stack)->flags |= CLONE_CLEAR_SIGHAND;
    check_err(clone3_(88), EINVAL);
    fresh(stack)->exit_signal = SIGCHLD;
    check_err(clone3_(88), EINVAL);
    fresh(stack)->exit_signal = 65;
    check_err(clone3_(88), EINVAL);
    fresh(stack)->stack = 0;
    check_err(clone3_(88), EINVAL);
    fresh(stack)->stack_size = 0;
    check_err(clone3_(88), EINVAL);
    fresh(stack)->stack_size = 1ull << 62;
    check_err(clone3_(88), EINVAL);
    fresh(stack)->set_tid_size = 1;
    check_err(clone3_(88), EINVAL);
    fresh(stack)->set_tid = (uintptr_t)&parent_tid;
    check_err(clone3_(88), EINVAL);
    fresh(stack)->set_tid = 8;
    args[0].set_tid_size = 1;
    check_err(clone3_(88), EFAULT);
}

/* Root may choose a tid: one that is free. */
static void check_set_tid(char *stack)
{
    int want;

    if (geteuid() != 0)
        return;
    fresh(stack)->set_tid = (uintptr_t)&want;
    args[0].set_tid_size = 1;
    want = 0;
    check_err(clone3_(88), EINVAL);
    want = NO_TID;
    check_err(clone3_(88), EINVAL);
    want = (int)self_tid();
    check_err(clone3_(88), EEXIST);
    for (int i = 0; i < 100; i++) {
        want = 20000 + i * 7;
        child_tid = 1;
        long tid = clone3_(88);
        if (tid == -1 && errno == EEXIST)
            continue;
        check_eq(tid, want);
        if (tid == want)
            join(&child_tid);
        break;
    }
    check_eq(child_saw, want);
}

int main(void)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    need(stack != MAP_FAILED);
    check_clone(stack);
    check_clone3(stack);
    check_set_tid(stack);
    /* The address for the last thread's end is its own; the call tells the tid. */
    check_eq(syscall(SYS_set_tid_address, &child_tid), self_tid());
    check_eq(syscall(SYS_set_tid_address, NULL), self_tid());
    return check_done();
}
