/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole enclave at the addresses that Cella uses (ELRANGE from 0): the fast paths, signals at
 * every moment, lazy protection, dynamic pages, keys.  With `bench` as argument it prints what
 * things cost.
 */
#include "softsgx/softsgx.h"
#include "softsgx/test/enclave.h"
#include "softsgx/test/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define ELRANGE_SIZE (1UL << 40)
#define TEXT 0x100000UL
#define BLOCK 0x200000UL /* of TCS 0; TCS 1 follows */
#define BLOCK_SIZE 0x40000UL
#define GS_AT(t) (BLOCK + (t)*BLOCK_SIZE)
#define TCS_AT(t) (GS_AT(t) + 0x1000)
#define SSA_AT(t) (GS_AT(t) + 0x2000)
#define SSA_PAGES (SSA_FRAME_SIZE / 4096)
#define NSSA 3
#define STACK_AT(t) (GS_AT(t) + 0x10000)
#define STACK_PAGES 2
#define DYNAMIC 0x40000000UL
#define TCS_COUNT 2

enum { LEAF_EENTER = 2, LEAF_ERESUME = 3, LEAF_EEXIT = 4 };

int enter_saving(unsigned long rdi, unsigned long rsi, unsigned long rdx, unsigned int leaf,
                 unsigned long r8, unsigned long r9, struct sgx_enclave_run *run);
uint64_t enter_raw(uint64_t tcs, uint64_t cmd, uint64_t arg);
extern const uint8_t enclave_text[], enclave_text_end[];

static int fd;
static struct measure measurement;
static uint8_t page[4096] __attribute__((aligned(4096)));
static volatile uint64_t stop_flag;
static volatile int handled, handled_aep;

static void add(uint64_t addr, const void *data, uint64_t flags)
{
    struct secinfo si = {.flags = flags};
    struct sgx_enclave_add_pages a = {.src = (uint64_t)data,
                                      .offset = addr,
                                      .length = 4096,
                                      .secinfo = (uint64_t)&si,
                                      .flags = SGX_PAGE_MEASURE};
    int err = softsgx_ioctl(fd, SGX_IOC_ENCLAVE_ADD_PAGES, &a);
    if (err)
        print_error("%s\n", softsgx_why());
    assert_int_equal(err, 0);
    measure_page(&measurement, addr, flags, data, true);
}

static void block_add(uint64_t t)
{
    uint64_t gs[512] = {0};
    gs[GS_STACK / 8] = STACK_AT(t) + STACK_PAGES * 4096;
    gs[GS_SSA0_GPRS / 8] = SSA_AT(t) + SSA_PAGES * 4096 - sizeof(struct ssa_gprs);
    memcpy(page, gs, 4096);
    add(GS_AT(t), page, SI_R | SI_W | SI_PT(PT_REG));
    memset(page, 0, 4096);
    struct tcs_page *tcs = (struct tcs_page *)page;
    tcs->ossa = SSA_AT(t);
    tcs->nssa = NSSA;
    tcs->oentry = TEXT;
    tcs->ogsbase = GS_AT(t);
    tcs->fslimit = tcs->gslimit = ~0U;
    add(TCS_AT(t), page, SI_PT(PT_TCS));
    memset(page, 0, 4096);
    for (int i = 0; i < NSSA * SSA_PAGES; i++)
        add(SSA_AT(t) + 4096UL * i, page, SI_R | SI_W | SI_PT(PT_REG));
    for (int i = 0; i < STACK_PAGES; i++)
        add(STACK_AT(t) + 4096UL * i, page, SI_R | SI_W | SI_PT(PT_REG));
}

static void map(uint64_t addr, uint64_t len, int prot)
{
    void *p = softsgx_mmap((void *)addr, len, prot, MAP_SHARED | MAP_FIXED, fd, 0);
    if (p == MAP_FAILED)
        print_error("%s\n", softsgx_why());
    assert_ptr_equal(p, (void *)addr);
}

static void enclave_build(void)
{
    static struct secs secs = {
        .size = ELRANGE_SIZE, .ssa_frame_size = SSA_PAGES, .miscselect = MISC_EXINFO};
    static struct sigstruct ss;
    uint8_t mrenclave[32];
    uint32_t lo, hi;
    __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    secs.attributes.flags = ATTR_MODE64BIT | ATTR_DEBUG;
    secs.attributes.xfrm = lo & 0xe7; /* up to AVX-512 */
    struct sgx_enclave_create create = {.src = (uint64_t)&secs};
    fd = softsgx_open();
    assert_true(fd >= 0);
    map(0x10000, ELRANGE_SIZE - 0x10000, PROT_NONE);
    assert_int_equal(softsgx_ioctl(fd, SGX_IOC_ENCLAVE_CREATE, &create), 0);
    measure_start(&measurement, secs.size, secs.ssa_frame_size);
    add(TEXT, enclave_text, SI_R | SI_X | SI_PT(PT_REG));
    for (uint64_t t = 0; t < TCS_COUNT; t++)
        block_add(t);
    measure_end(&measurement, mrenclave);
    sigstruct_make(&ss, mrenclave);
    struct sgx_enclave_init init = {.sigstruct = (uint64_t)&ss};
    int err = softsgx_ioctl(fd, SGX_IOC_ENCLAVE_INIT, &init);
    if (err)
        print_error("%s\n", softsgx_why());
    assert_int_equal(err, 0);
    map(DYNAMIC, ELRANGE_SIZE - DYNAMIC, PROT_READ | PROT_WRITE | PROT_EXEC);
    map(TEXT, 4096, PROT_READ | PROT_EXEC);
    for (uint64_t t = 0; t < TCS_COUNT; t++) {
        map(GS_AT(t), 0x2000 + NSSA * SSA_PAGES * 4096, PROT_READ | PROT_WRITE);
        map(STACK_AT(t), STACK_PAGES * 4096, PROT_READ | PROT_WRITE);
    }
}

/* The enclave returns its result in RDI, which the exit handler gets. */
static __thread uint64_t result;

static int on_exit_handler(long rdi, long rsi, long rdx, long rsp, long r8, long r9,
                           struct sgx_enclave_run *run)
{
    (void)rsi, (void)rdx, (void)rsp, (void)r8, (void)r9, (void)run;
    result = (uint64_t)rdi;
    return 0;
}

static int enter(uint64_t t, unsigned int leaf, struct sgx_enclave_run *run, uint64_t cmd,
                 uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    *run = (struct sgx_enclave_run){.tcs = TCS_AT(t), .user_handler = (uint64_t)on_exit_handler};
    return enter_saving(cmd, a, b, leaf, c, d, run);
}

/* Runs a command as a runtime would: exceptions are handled inside (CSSA 1), then resumed. */
static uint64_t call(uint64_t t, uint64_t cmd, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct sgx_enclave_run run;
    assert_int_equal(enter(t, LEAF_EENTER, &run, cmd, a, b, c, d), 0);
    while (run.function != LEAF_EEXIT) {
        assert_int_equal(run.function, LEAF_ERESUME);
        struct sgx_enclave_run inner;
        assert_int_equal(enter(t, LEAF_EENTER, &inner, 0, 0, 0, 0, 0), 0);
        assert_int_equal(inner.function, LEAF_EEXIT);
        assert_int_equal(enter(t, LEAF_ERESUME, &run, 0, 0, 0, 0, 0), 0);
    }
    return result;
}

/* EACCEPT's operand in the enclave's data page. */
static uint64_t secinfo_put(uint64_t t, uint64_t flags)
{
    struct secinfo *si = (struct secinfo *)(GS_AT(t) + GS_OPERANDS);
    *si = (struct secinfo){.flags = flags};
    return (uint64_t)si;
}

static uint64_t accept_pages(uint64_t addr, uint64_t count)
{
    uint64_t si = secinfo_put(0, SI_R | SI_W | SI_PENDING | SI_PT(PT_REG));
    return call(0, CMD_ACCEPT, addr, count, si, 0);
}

static double now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int group_setup(void **state)
{
    (void)state;
    char key[] = "/tmp/softsgx-test-XXXXXX";
    assert_non_null(mkdtemp(key));
    char path[64];
    snprintf(path, sizeof(path), "%s/root.key", key);
    setenv("SOFTSGX_ROOT_KEY", path, 1);
    enclave_build();
    unlink(path);
    rmdir(key);
    return 0;
}

static void test_enter_exit(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(call(0, CMD_NOP, i, 0, 0, 0), i);
    /* The site must have been rewritten, or all this has been slow. */
    int patched = 0;
    for (const uint8_t *p = (uint8_t *)TEXT; p < (uint8_t *)TEXT + 4088; p++)
        patched += !memcmp(p, "\xff\x15\x02\x00\x00\x00\xeb\x08", 8);
    assert_true(patched >= 5);
}

static void test_bad_enter(void **state)
{
    (void)state;
    struct sgx_enclave_run run;
    run = (struct sgx_enclave_run){.tcs = TEXT};
    assert_int_equal(enter_saving(0, 0, 0, LEAF_EENTER, 0, 0, &run), 0);
    assert_int_equal(run.exception_vector, VEC_PF);
    assert_int_equal(run.function, LEAF_EENTER);
    run = (struct sgx_enclave_run){.tcs = TCS_AT(0)};
    assert_int_equal(enter_saving(0, 0, 0, LEAF_ERESUME, 0, 0, &run), 0);
    assert_int_equal(run.exception_vector, VEC_GP);
    assert_int_equal(run.function, LEAF_ERESUME);
    assert_int_equal(enter_saving(0, 0, 0, LEAF_EEXIT, 0, 0, &run), -EINVAL);
    run.reserved[100] = 1;
    assert_int_equal(enter_saving(0, 0, 0, LEAF_EENTER, 0, 0, &run), -EINVAL);
}

static void test_syscall_is_ud(void **state)
{
    (void)state;
    struct sgx_enclave_run run;
    assert_int_equal(call(0, CMD_SYSCALL, 100, 0, 0, 0), 0x1234);
    assert_int_equal(enter(0, LEAF_EENTER, &run, CMD_SYSCALL, 1, 0, 0, 0), 0);
    assert_int_equal(run.function, LEAF_ERESUME);
    assert_int_equal(run.exception_vector, VEC_UD);
    struct ssa_gprs *g = (void *)(SSA_AT(0) + SSA_PAGES * 4096 - sizeof(*g));
    assert_int_equal(g->exitinfo, 0x80000306);
    assert_memory_equal((void *)g->rip, "\x0f\x05", 2);
    assert_int_equal(g->gsbase, GS_AT(0));
    struct sgx_enclave_run inner;
    enter(0, LEAF_EENTER, &inner, 0, 0, 0, 0, 0);
    enter(0, LEAF_ERESUME, &run, 0, 0, 0, 0, 0);
    assert_int_equal(run.function, LEAF_EEXIT);
}

static void test_dynamic_pages(void **state)
{
    (void)state;
    struct sgx_enclave_run run;
    /* An access without EACCEPT: the driver adds the page, the EPCM forbids it. */
    assert_int_equal(enter(0, LEAF_EENTER, &run, CMD_WRITE, DYNAMIC, 1, 0, 0), 0);
    assert_int_equal(run.exception_vector, VEC_PF);
    assert_int_equal(run.exception_error_code, 0x8007);
    assert_int_equal(run.exception_addr, DYNAMIC);
    struct ssa_exinfo *x =
        (void *)(SSA_AT(0) + SSA_PAGES * 4096 - sizeof(struct ssa_gprs) - sizeof(*x));
    assert_int_equal(x->maddr, DYNAMIC);
    assert_int_equal(x->errcd, 0x8007);
    uint64_t si = secinfo_put(1, SI_R | SI_W | SI_PENDING | SI_PT(PT_REG));
    assert_int_equal(call(1, CMD_ACCEPT, DYNAMIC, 1, si, 0), 0);
    assert_int_equal(enter(0, LEAF_ERESUME, &run, 0, 0, 0, 0, 0), 0);
    assert_int_equal(run.function, LEAF_EEXIT);
    /* Many at once, not aligned to anything. */
    assert_int_equal(accept_pages(DYNAMIC + 0x5000, 3000), 0);
    assert_int_equal(call(0, CMD_WRITE, DYNAMIC + 0x5000, 3000, 0, 0),
                     DYNAMIC + 0x5000 + 2999 * 4096UL);
    /* A second EACCEPT does not match. */
    assert_int_equal(accept_pages(DYNAMIC + 0x5000, 1), SGX_PAGE_ATTRIBUTES_MISMATCH);
    /* The far end of ELRANGE. */
    assert_int_equal(accept_pages(ELRANGE_SIZE - 4096, 1), 0);
    call(0, CMD_WRITE, ELRANGE_SIZE - 4096, 1, 0, 0);
}

static void test_extend_restrict_remove(void **state)
{
    (void)state;
    uint64_t at = DYNAMIC + 0x10000000;
    struct sgx_enclave_run run;
    assert_int_equal(accept_pages(at, 4), 0);
    call(0, CMD_WRITE, at, 4, 0, 0);
    struct sgx_enclave_restrict_permissions r = {.offset = at, .length = 4096, .permissions = SI_R};
    assert_int_equal(softsgx_ioctl(fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &r), 0);
    uint64_t si = secinfo_put(0, SI_R | SI_PR | SI_PT(PT_REG));
    assert_int_equal(call(0, CMD_ACCEPT, at, 1, si, 0), 0);
    assert_int_equal(enter(0, LEAF_EENTER, &run, CMD_WRITE, at, 1, 0, 0), 0);
    assert_int_equal(run.exception_error_code, 0x8007);
    /* EMODPE from another TCS, then the access goes through. */
    si = secinfo_put(1, SI_R | SI_W | SI_PT(PT_REG));
    call(1, CMD_LEAF, 6, si, at, 0);
    assert_int_equal(enter(0, LEAF_ERESUME, &run, 0, 0, 0, 0, 0), 0);
    assert_int_equal(run.function, LEAF_EEXIT);
    struct sgx_enclave_modify_types m = {.offset = at, .length = 4 * 4096, .page_type = PT_TRIM};
    assert_int_equal(softsgx_ioctl(fd, SGX_IOC_ENCLAVE_MODIFY_TYPES, &m), 0);
    struct sgx_enclave_remove_pages x = {.offset = at, .length = 4 * 4096};
    assert_int_equal(softsgx_ioctl(fd, SGX_IOC_ENCLAVE_REMOVE_PAGES, &x), -EPERM);
    si = secinfo_put(0, SI_MODIFIED | SI_PT(PT_TRIM));
    assert_int_equal(call(0, CMD_ACCEPT, at, 4, si, 0), 0);
    assert_int_equal(softsgx_ioctl(fd, SGX_IOC_ENCLAVE_REMOVE_PAGES, &x), 0);
    assert_int_equal(x.count, 4 * 4096);
    /* The page comes back empty. */
    assert_int_equal(accept_pages(at, 1), 0);
    call(0, CMD_WRITE, at, 1, 0, 0);
}

/* EACCEPTCOPY makes an executable page of a pending one. */
static void test_acceptcopy(void **state)
{
    (void)state;
    uint64_t at = DYNAMIC + 0x20000000;
    uint64_t si = secinfo_put(0, SI_R | SI_X | SI_PT(PT_REG));
    call(0, CMD_LEAF, 7, si, at, TEXT);
    struct sgx_enclave_run run;
    enter(0, LEAF_EENTER, &run, CMD_WRITE, at, 1, 0, 0);
    assert_int_equal(run.exception_error_code, 0x8007);
    struct ssa_gprs *g = (void *)(SSA_AT(0) + SSA_PAGES * 4096 - sizeof(*g));
    g->rsi = STACK_AT(0); /* let it finish */
    enter(0, LEAF_ERESUME, &run, 0, 0, 0, 0, 0);
    assert_int_equal(run.function, LEAF_EEXIT);
}

static void on_alarm(int sig, siginfo_t *info, void *uc)
{
    (void)sig, (void)info;
    handled++;
    if (!softsgx_at_aep(uc))
        return;
    handled_aep++;
    struct sgx_enclave_run run;
    uint64_t tcs = (uint64_t)((ucontext_t *)uc)->uc_mcontext.gregs[REG_RBX];
    if (enter((tcs - TCS_AT(0)) / BLOCK_SIZE, LEAF_EENTER, &run, 0, 0, 0, 0, 0) ||
        run.function != LEAF_EEXIT)
        abort();
}

static void timer_start(void)
{
    struct sigaction sa = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct itimerval it = {{0, 1000}, {0, 1000}};
    assert_int_equal(softsgx_sigaction(SIGALRM, &sa, NULL), 0);
    *(uint64_t *)(GS_AT(0) + GS_TICKS) = 0;
    setitimer(ITIMER_REAL, &it, NULL);
}

static void timer_stop(void)
{
    struct itimerval it = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &it, NULL);
}

static void *stop_later(void *arg)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    /* As long as it takes for enough ticks to arrive, on a machine that has other things to do. */
    for (uintptr_t ms = 0; ms < 10000 && handled_aep < (int)(uintptr_t)arg; ms++)
        usleep(1000);
    stop_flag = 1;
    return NULL;
}

static uint64_t run_with_ticks(uint64_t cmd, uint64_t b, uint64_t c)
{
    pthread_t thread;
    sigset_t alarm, old;
    stop_flag = 0;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, &old);
    handled = handled_aep = 0;
    pthread_create(&thread, NULL, stop_later, (void *)50);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    timer_start();
    uint64_t r = call(0, cmd, (uint64_t)&stop_flag, b, c, 0);
    timer_stop();
    pthread_join(thread, NULL);
    return r;
}

static void test_ticks(void **state)
{
    (void)state;
    assert_int_equal(run_with_ticks(CMD_SPIN, 0, 0), 0);
    assert_true(handled_aep >= 50);
    assert_int_equal(*(uint64_t *)(GS_AT(0) + GS_TICKS), handled_aep);
}

/* Signals in the middle of leaves wait for their end, and none is lost. */
static void test_ticks_in_leaves(void **state)
{
    (void)state;
    uint64_t at = DYNAMIC + 0x30000000;
    assert_int_equal(accept_pages(at, 1), 0);
    uint64_t si = secinfo_put(0, SI_R | SI_W | SI_PENDING | SI_PT(PT_REG));
    uint64_t r = run_with_ticks(CMD_HAMMER, at, si);
    assert_true((int64_t)r > 1000);
    assert_true(handled_aep >= 50);
    assert_int_equal(*(uint64_t *)(GS_AT(0) + GS_TICKS), handled_aep);
    print_message("# %ld leaves, %d ticks, %d at the AEP\n", (long)r, handled, handled_aep);
}

/* Signals while entering and leaving, a million times. */
static void test_ticks_in_transitions(void **state)
{
    (void)state;
    handled = 0;
    timer_start();
    for (uint64_t i = 0; i < 1000000 || (handled < 50 && i < 1UL << 30); i++)
        if (call(0, CMD_NOP, i, 0, 0, 0) != i)
            fail();
    for (uint64_t i = 0; i < 20000; i++)
        call(0, CMD_SYSCALL, 1, 0, 0, 0);
    timer_stop();
    assert_true(handled >= 50);
}

static void *thread_enter(void *arg)
{
    for (uint64_t i = 0; i < 20000; i++)
        if (call((uint64_t)arg, CMD_NOP, i, 0, 0, 0) != i ||
            call((uint64_t)arg, CMD_SYSCALL, 1, 0, 0, 0) != 0x1234)
            return (void *)1;
    return NULL;
}

static void test_two_threads(void **state)
{
    (void)state;
    pthread_t a, b;
    void *ra, *rb;
    timer_start();
    for (int i = 0; i < 3; i++) {
        pthread_create(&a, NULL, thread_enter, (void *)0);
        pthread_create(&b, NULL, thread_enter, (void *)1);
        pthread_join(a, &ra);
        pthread_join(b, &rb);
        assert_null(ra);
        assert_null(rb);
    }
    timer_stop();
}

static void *thread_bases(void *arg)
{
    return (void *)call((uint64_t)arg, CMD_BASES, (uint64_t)&stop_flag, 0, 0, 0);
}

static void *thread_busy(void *arg)
{
    while (!__atomic_load_n(&stop_flag, __ATOMIC_RELAXED))
        sched_yield();
    return arg;
}

/* FS and GS last, whatever else runs on the CPU, and in spite of AEXs. */
static void test_bases(void **state)
{
    (void)state;
    enum { BUSY = 4 };
    pthread_t busy[BUSY], other;
    void *there;
    stop_flag = 0;
    for (int i = 0; i < BUSY; i++)
        pthread_create(&busy[i], NULL, thread_busy, NULL);
    pthread_create(&other, NULL, thread_bases, (void *)1);
    uint64_t here = run_with_ticks(CMD_BASES, 0, 0);
    pthread_join(other, &there);
    for (int i = 0; i < BUSY; i++)
        pthread_join(busy[i], NULL);
    assert_int_equal(here, 0);
    assert_null(there);
    assert_true(handled_aep >= 50);
}

/* Enters and leaves until the CPU was taken away often enough: how often FS and GS were not this TCS's. */
static void *thread_entries(void *arg)
{
    enum { SWITCHES = 400 };
    const double limit_ns = 20e9;
    uint64_t t = (uint64_t)arg, wrong = 0;
    struct rusage before, now;
    double start = now_ns();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof(one), &one);
    getrusage(RUSAGE_THREAD, &before);
    do {
        for (int i = 0; i < 10000; i++)
            wrong += call(t, CMD_SUM, 0, 0, 0, 0) != GS_AT(t);
        getrusage(RUSAGE_THREAD, &now);
    } while (now.ru_nivcsw - before.ru_nivcsw < SWITCHES && now_ns() - start < limit_ns);
    return (void *)wrong;
}

/* FS and GS are right when the CPU is taken away on the way in, and another thread's were there meanwhile. */
static void test_bases_at_entry(void **state)
{
    (void)state;
    pthread_t a, b;
    void *wrong_a, *wrong_b;
    pthread_create(&a, NULL, thread_entries, (void *)0);
    pthread_create(&b, NULL, thread_entries, (void *)1);
    pthread_join(a, &wrong_a);
    pthread_join(b, &wrong_b);
    assert_null(wrong_a);
    assert_null(wrong_b);
}

#define FLAG_TF 0x100

static volatile int steps;

/* SIGUSR1: every instruction from here on is followed by a SIGTRAP, until the first one in the enclave. */
static void on_step(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)info;
    steps = sig == SIGUSR1 ? 0 : steps + 1;
    if (sig == SIGUSR1)
        uc->uc_mcontext.gregs[REG_EFL] |= FLAG_TF;
    else if (softsgx_at_aep(uc))
        uc->uc_mcontext.gregs[REG_EFL] &= ~FLAG_TF;
}

/* FS and GS are right when a signal comes after each instruction of EENTER and ERESUME. */
static void test_bases_at_each_step(void **state)
{
    (void)state;
    enum { FS = 0x123000, STEPS = 30 /* fewer than either way in has */ };
    struct sigaction sa = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    struct sgx_enclave_run run;
    assert_int_equal(softsgx_sigaction(SIGUSR1, &sa, NULL), 0);
    assert_int_equal(softsgx_sigaction(SIGTRAP, &sa, NULL), 0);
    raise(SIGUSR1);
    assert_int_equal(call(0, CMD_SUM, 0, 0, 0, 0), GS_AT(0));
    assert_true(steps > STEPS);

    assert_int_equal(enter(0, LEAF_EENTER, &run, CMD_SUM, FS, 0, 0, 0), 0);
    assert_int_equal(run.exception_vector, VEC_UD);
    assert_int_equal(call(0, CMD_NOP, 0, 0, 0, 0), 0); /* CSSA 1: past the system call */
    raise(SIGUSR1);
    assert_int_equal(enter(0, LEAF_ERESUME, &run, 0, 0, 0, 0, 0), 0);
    assert_true(steps > STEPS);
    assert_int_equal(run.function, LEAF_EEXIT);
    assert_int_equal(result, GS_AT(0) + FS);
    sa.sa_handler = SIG_DFL;
    softsgx_sigaction(SIGUSR1, &sa, NULL);
    softsgx_sigaction(SIGTRAP, &sa, NULL);
}

static void test_keys(void **state)
{
    (void)state;
    uint8_t *op = (uint8_t *)(STACK_AT(0)); /* the low page of the stack: 512-byte aligned */
    struct report *report = (struct report *)(op + 1536);
    memset(op, 0, 2048);
    memcpy(op + 1024, "report data", 11);
    call(0, CMD_LEAF, 0, (uint64_t)op, (uint64_t)op + 1024, (uint64_t)report);
    assert_memory_equal(report->reportdata, "report data", 11);
    assert_int_equal(report->isv_prod_id, 7);
    assert_int_equal(report->attributes.flags, ATTR_INIT | ATTR_DEBUG | ATTR_MODE64BIT);
    struct keyrequest *req = (struct keyrequest *)op;
    memset(req, 0, sizeof(*req));
    req->keyname = KEY_SEAL;
    req->keypolicy = KEYPOLICY_MRSIGNER;
    assert_int_equal(call(0, CMD_LEAF, 1, (uint64_t)op, (uint64_t)op + 1024, 0), 0);
    uint8_t key[16];
    memcpy(key, op + 1024, 16);
    assert_int_equal(call(0, CMD_RAW_LEAF, 1, (uint64_t)op, (uint64_t)op + 1024, 0), 0);
    assert_memory_equal(key, op + 1024, 16);
    req->isv_svn = 3;
    assert_int_equal(call(0, CMD_LEAF, 1, (uint64_t)op, (uint64_t)op + 1024, 0),
                     SGX_INVALID_ISVSVN);
    req->keyname = 77;
    assert_int_equal(call(0, CMD_LEAF, 1, (uint64_t)op, (uint64_t)op + 1024, 0),
                     SGX_INVALID_KEYNAME);
}

/* A leaf that faults is an exception at its site, and the same in both forms. */
static void test_leaf_faults(void **state)
{
    (void)state;
    struct ssa_gprs *g = (void *)(SSA_AT(0) + SSA_PAGES * 4096 - sizeof(*g));
    for (uint64_t cmd = CMD_LEAF; cmd <= CMD_RAW_LEAF; cmd++) {
        struct sgx_enclave_run run;
        enter(0, LEAF_EENTER, &run, cmd, 5, GS_AT(0) + 1, DYNAMIC, 0); /* misaligned SECINFO */
        assert_int_equal(run.function, LEAF_ERESUME);
        assert_int_equal(run.exception_vector, VEC_GP);
        assert_int_equal(g->rax, 5);
        assert_memory_equal((void *)g->rip, cmd == CMD_LEAF ? "\xff\x15\x02" : "\x0f\x01\xd7", 3);
        g->rbx = secinfo_put(0, SI_R | SI_W | SI_PENDING | SI_PT(PT_REG));
        g->rcx = DYNAMIC + 0x31000000 + cmd * 4096;
        enter(0, LEAF_ERESUME, &run, 0, 0, 0, 0, 0);
        assert_int_equal(run.function, LEAF_EEXIT);
        assert_int_equal(result, 0);
    }
}

static void test_edeccssa(void **state)
{
    (void)state;
    struct sgx_enclave_run run, inner;
    uint64_t *flag = (uint64_t *)(GS_AT(0) + GS_DECCSSA);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(enter(0, LEAF_EENTER, &run, CMD_SYSCALL, 1, 0, 0, 0), 0);
        assert_int_equal(run.exception_vector, VEC_UD);
        *flag = 1;
        enter(0, LEAF_EENTER, &inner, 0, 0, 0, 0, 0);
        assert_int_equal(inner.function, LEAF_EEXIT);
        *flag = 0;
        /* The frame is gone: nothing to resume, and entries start at the beginning. */
        enter(0, LEAF_ERESUME, &inner, 0, 0, 0, 0, 0);
        assert_int_equal(inner.exception_vector, VEC_GP);
        assert_int_equal(call(0, CMD_NOP, 5, 0, 0, 0), 5);
    }
}

static void *thread_raw(void *arg)
{
    uint64_t sum = 0;
    (void)arg;
    for (uint64_t i = 0; i < 1000; i++)
        sum += enter_raw(TCS_AT(0), CMD_NOP, i);
    stop_flag = 1;
    sum += enter_raw(TCS_AT(0), CMD_SPIN, (uint64_t)&stop_flag);
    return (void *)sum;
}

/* The host's own ENCLU, on a thread that softsgx has not seen before, with ticks. */
static void test_raw_enclu(void **state)
{
    (void)state;
    pthread_t thread;
    void *sum;
    timer_start();
    pthread_create(&thread, NULL, thread_raw, NULL);
    pthread_join(thread, &sum);
    timer_stop();
    assert_int_equal(sum, 999 * 1000 / 2);
}

static void *thread_cpuid(void *arg)
{
    uint32_t a = 0, b, c, d;
    struct sgx_enclave_run run;
    (void)arg;
    enter(0, LEAF_EENTER, &run, CMD_CPUID, 0, 0, 0, 0);
    if (run.exception_vector != VEC_UD)
        return (char *)"no #UD";
    call(0, CMD_NOP, 0, 0, 0, 0); /* CSSA 1: the handler skips cpuid */
    enter(0, LEAF_ERESUME, &run, 0, 0, 0, 0, 0);
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return run.function == LEAF_EEXIT && a ? NULL : (char *)"cpuid of the host is broken";
}

static void test_cpuid(void **state)
{
    (void)state;
    pthread_t thread;
    void *error;
    if (!softsgx_cpuid_faulting(true))
        skip();
    pthread_create(&thread, NULL, thread_cpuid, NULL);
    pthread_join(thread, &error);
    softsgx_cpuid_faulting(false);
    if (error)
        fail_msg("%s", (char *)error);
}

/* The fastest of some batches: other programs on the machine only ever add. */
static double best;

static void best_of(double start, int n)
{
    double ns = (now_ns() - start) / n;
    if (best < 0 || ns < best)
        best = ns;
}

static void bench_enter(void)
{
    struct sgx_enclave_run run = {.tcs = TCS_AT(0)};
    best = -1;
    for (int batch = 0; batch < 200; batch++) {
        double t = now_ns();
        for (int i = 0; i < 10000; i++)
            softsgx_enter_enclave(CMD_NOP, 0, 0, LEAF_EENTER, 0, 0, &run);
        best_of(t, 10000);
    }
    printf("enter + exit            %7.1f ns\n", best);
}

static void bench_syscall(void)
{
    best = -1;
    for (int batch = 0; batch < 100; batch++) {
        double t = now_ns();
        call(0, CMD_SYSCALL, 1000, 0, 0, 0);
        best_of(t, 1000);
    }
    printf("syscall, handled inside %7.1f ns\n", best);
}

static void bench_accept(void)
{
    uint64_t at = DYNAMIC + (8UL << 30);
    best = -1;
    for (int batch = 0; batch < 64; batch++) {
        double t = now_ns();
        accept_pages(at + batch * 512 * 4096UL, 512);
        best_of(t, 512);
    }
    printf("EACCEPT of a new page   %7.1f ns\n", best);
    best = -1;
    for (int batch = 0; batch < 64; batch++) {
        double t = now_ns();
        call(0, CMD_WRITE, at + batch * 512 * 4096UL, 512, 0, 0);
        best_of(t, 512);
    }
    printf("first touch of it       %7.1f ns\n", best);
    uint8_t *plain =
        mmap(NULL, 128UL << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    best = -1;
    for (int batch = 0; batch < 64; batch++) {
        double t = now_ns();
        for (size_t i = 0; i < 512 * 4096; i += 4096)
            ((volatile uint8_t *)plain)[batch * 512 * 4096 + i] = 1;
        best_of(t, 512);
    }
    printf("first touch, native     %7.1f ns\n", best);
    uint64_t si = secinfo_put(0, SI_R | SI_W | SI_PENDING | SI_PT(PT_REG));
    best = -1;
    for (int batch = 0; batch < 100; batch++) {
        double t = now_ns();
        for (int i = 0; i < 100; i++)
            call(0, CMD_RAW_LEAF, 5, si, DYNAMIC + (16UL << 30) + (batch * 100 + i) * 4096UL, 0);
        best_of(t, 100);
    }
    printf("EACCEPT, not patched    %7.1f ns\n", best);
}

static void bench(void)
{
    bench_enter();
    bench_syscall();
    bench_accept();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enter_exit),
        cmocka_unit_test(test_bad_enter),
        cmocka_unit_test(test_syscall_is_ud),
        cmocka_unit_test(test_dynamic_pages),
        cmocka_unit_test(test_extend_restrict_remove),
        cmocka_unit_test(test_acceptcopy),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_ticks_in_leaves),
        cmocka_unit_test(test_ticks_in_transitions),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_bases),
        cmocka_unit_test(test_bases_at_entry),
        cmocka_unit_test(test_bases_at_each_step),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_leaf_faults),
        cmocka_unit_test(test_edeccssa),
        cmocka_unit_test(test_raw_enclu),
        cmocka_unit_test(test_cpuid),
    };
    if (argc > 1 && !strcmp(argv[1], "bench")) {
        group_setup(NULL);
        bench();
        return 0;
    }
    return cmocka_run_group_tests_name("softsgx", tests, group_setup, NULL);
}
