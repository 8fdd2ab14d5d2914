/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that enter enclaves: their blocks, syscall user dispatch, alternate stacks, FS and GS, cpuid.
 *
 * The alternate stack is armed with SS_AUTODISARM: the kernel disarms it when it delivers a signal
 * and arms it again at sigreturn, so a handler can arm the part below its own frames and enter an
 * enclave from there.
 */
#include "softsgx/encl.h"
#include "softsgx/sig.h"
#include "softsgx/softsgx.h"

#include <asm/hwcap2.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <linux/prctl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <asm/prctl.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
#define ALT_MIN 0x8000UL

__thread struct lp *softsgx_lp __attribute__((tls_model("initial-exec")));

extern char *softsgx_lp_arena;
char *softsgx_lp_arena __attribute__((visibility("hidden")));

struct gs_slot {
    uint64_t gs;
    struct lp *lp;
};
extern struct gs_slot softsgx_gs_table[];
struct gs_slot softsgx_gs_table[1 << GS_SLOTS_LOG2] __attribute__((visibility("hidden")));
static struct tcs *gs_tcs[1 << GS_SLOTS_LOG2];

static struct lock lp_lock;
static struct lp *lp_free_list;
static unsigned int lp_used;
static pthread_key_t lp_key;
static pthread_once_t lp_once = PTHREAD_ONCE_INIT;
bool lp_cpuid_faulting;
uint8_t softsgx_bases_lost;

static void block_put(struct lp *lp)
{
    uint64_t mask = lock_take_host(&lp_lock);
    lp->next_free = lp_free_list;
    lp_free_list = lp;
    lock_drop_host(&lp_lock, mask);
}

static void switches_close(struct lp *lp)
{
    if (lp->switches > 0)
        softsgx_syscall(SYS_close, (long)lp->switches);
}

static void lp_exit(void *arg)
{
    struct lp *lp = arg;
    stack_t off = {.ss_flags = SS_DISABLE};
    softsgx_syscall(SYS_sigaltstack, &off, 0L);
    softsgx_syscall(SYS_prctl, (long)PR_SET_SYSCALL_USER_DISPATCH, (long)PR_SYS_DISPATCH_OFF, 0L,
                    0L, 0L);
    softsgx_lp = NULL;
    switches_close(lp);
    block_put(lp);
}

/* In a forked child dispatch is off, and the enclaves' memory is not there. */
static void lp_forked(void)
{
    softsgx_lp = NULL;
}

static void lp_setup(void)
{
    const char *cpuid = getenv("SOFTSGX_CPUID");
    pthread_key_create(&lp_key, lp_exit);
    pthread_atfork(encl_fork_prepare, NULL, lp_forked);
    if (cpuid && !strcmp(cpuid, "fault"))
        softsgx_cpuid_faulting(true);
    size_t size = (size_t)LP_BLOCK * LP_MAX;
    char *p = mmap(NULL, size + LP_BLOCK, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return;
    uint64_t at = ((uint64_t)p + LP_BLOCK - 1) & ~(uint64_t)(LP_BLOCK - 1);
    softsgx_lp_arena = (char *)at;
}

static struct lp *block_get(void)
{
    uint64_t mask = lock_take_host(&lp_lock);
    struct lp *lp = lp_free_list;
    if (lp)
        lp_free_list = lp->next_free;
    else if (softsgx_lp_arena && lp_used < LP_MAX)
        lp = (struct lp *)(softsgx_lp_arena + (size_t)LP_BLOCK * lp_used++);
    lock_drop_host(&lp_lock, mask);
    return lp;
}

static uint64_t fs_base(void)
{
    uint64_t base;
    __asm__("rdfsbase %0" : "=r"(base));
    return base;
}

/* A perf event of the calling thread's context switches, which come as SIGTRAP: a descriptor or -errno. */
static int switches_open(void)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof(attr),
        .config = PERF_COUNT_SW_CONTEXT_SWITCHES,
        .sample_period = 1,
        .sigtrap = 1,
        .remove_on_exec = 1,
        .sig_data = SWITCHED,
    };
    return (int)softsgx_syscall(SYS_perf_event_open, &attr, 0L, -1L, -1L,
                                (long)PERF_FLAG_FD_CLOEXEC);
}

int bases_check(void)
{
    const char *lost = getenv("SOFTSGX_FSGSBASE");
    bool kept = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;

    if (kept && !(lost && !strcmp(lost, "lost")))
        return 0;
    if (!softsgx_bases_usable())
        return why(-ENODEV, "the CPU has no FSGSBASE, or the kernel forbids it");
    int fd = switches_open();
    if (fd < 0)
        return why(fd, "the kernel loses FS and GS (no FSGSBASE), and only perf events would tell "
                       "when: be root, or set kernel.perf_event_paranoid to 1");
    softsgx_syscall(SYS_close, (long)fd);
    softsgx_bases_lost = 1;
    return 0;
}

int lp_init(void)
{
    pthread_once(&lp_once, lp_setup);
    struct lp *lp = block_get();
    if (!lp)
        return why(-ENOMEM, "too many threads enter enclaves (limit %d)", LP_MAX);
    *lp = (struct lp){.host_fs = fs_base()};
    if (softsgx_bases_lost) {
        lp->switches = switches_open();
        if (lp->switches < 0) {
            int failed = lp->switches;
            block_put(lp);
            return why(failed, "perf events: %s", strerror(-failed));
        }
    }
    uint64_t len = (uint64_t)softsgx_text_end - (uint64_t)softsgx_text;
    long err = softsgx_syscall(SYS_prctl, (long)PR_SET_SYSCALL_USER_DISPATCH,
                               (long)PR_SYS_DISPATCH_ON, softsgx_text, len, &lp->selector);
    if (err) {
        switches_close(lp);
        block_put(lp);
        return why((int)err, "syscall user dispatch: %s (needs Linux 5.11)", strerror((int)-err));
    }
    if (lp_cpuid_faulting)
        softsgx_syscall(SYS_arch_prctl, (long)ARCH_SET_CPUID, 0L);
    softsgx_lp = lp;
    pthread_setspecific(lp_key, lp);
    return 0;
}

void lp_arm(struct lp *lp, uint64_t sp)
{
    uint64_t low = (uint64_t)lp + LP_ALT_LOW, top = (uint64_t)lp + LP_BLOCK;
    if (sp - (uint64_t)lp < LP_BLOCK)
        top = (sp - 512) & ~63UL;
    if (top < low + ALT_MIN || lp->alt_top == top)
        return;
    stack_t ss = {.ss_sp = (void *)low, .ss_size = top - low, .ss_flags = (int)SS_AUTODISARM};
    if (!softsgx_syscall(SYS_sigaltstack, &ss, 0L))
        lp->alt_top = top;
}

/*
 * Slots are never given to another base: an entry that is being read cannot change under the
 * reader.
 */
void lp_publish(struct lp *lp, struct tcs *tcs)
{
    uint32_t i = ((uint32_t)(tcs->gsbase >> PAGE_SHIFT) * GS_HASH_MUL) >> (32 - GS_SLOTS_LOG2);
    struct gs_slot *s = &softsgx_gs_table[i];
    lock_take(&lp_lock);
    if (!gs_tcs[i]) {
        s->gs = tcs->gsbase;
        gs_tcs[i] = tcs;
    }
    bool same = gs_tcs[i] == tcs || !gs_tcs[i]->encl;
    if (s->gs == tcs->gsbase) {
        /* Two TCSs with one base cannot be told apart: neither gets direct calls. */
        gs_tcs[i] = tcs;
        __atomic_store_n(&s->lp, same ? lp : NULL, __ATOMIC_RELEASE);
    }
    lock_drop(&lp_lock);
}

bool softsgx_cpuid_faulting(bool on)
{
    long err = softsgx_syscall(SYS_arch_prctl, (long)ARCH_SET_CPUID, 0L);
    softsgx_syscall(SYS_arch_prctl, (long)ARCH_SET_CPUID, 1L);
    lp_cpuid_faulting = on && !err;
    return !err;
}

void lp_cpuid(ucontext_t *uc)
{
    uint32_t a = (uint32_t)UC(uc, RAX), b, c = (uint32_t)UC(uc, RCX), d;
    softsgx_syscall(SYS_arch_prctl, (long)ARCH_SET_CPUID, 1L);
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    softsgx_syscall(SYS_arch_prctl, (long)ARCH_SET_CPUID, 0L);
    UC(uc, RAX) = a;
    UC(uc, RBX) = b;
    UC(uc, RCX) = c;
    UC(uc, RDX) = d;
    UC(uc, RIP) += 2;
}
