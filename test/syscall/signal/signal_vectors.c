/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vector state and signals: AVX and AVX-512 registers survive handlers that use them, whatever part of
 * them is in use; the frame has them where XSAVE's standard format does and says so; what a handler
 * changes there is in the registers afterwards; a handler starts with none of it.
 */
#include "check.h"
#include <cpuid.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define SW_MAGIC1 464
#define SW_EXTENDED 468
#define SW_XFEATURES 472
#define SW_SIZE 480
#define XSTATE_BV 512
#define MAGIC1 0x46505853u
#define MAGIC2 0x46505845u

/* What is loaded before, and stored after, a signal. */
static struct registers {
    uint64_t zmm[32][8];
    uint64_t k[8];
} before, after;
static unsigned offset[16];
static int avx512;
static volatile int calls, mode;
static volatile uint64_t bv, features, clean;
static unsigned char image[16384];
static unsigned image_size;

enum { LOOK, CHANGE, DROP_AVX, DROP_ALL };

static void find_offsets(void)
{
    unsigned a, b, c, d;

    for (unsigned i = 2; i < 16; i++) {
        __cpuid_count(0xd, i, a, b, c, d);
        offset[i] = b;
    }
}

/* Uses every register; `clean` is what was in two of them at the start. */
__attribute__((target("avx"))) static void clobber_avx(void)
{
    uint64_t first[4];

    __asm__ volatile("vmovdqu %%ymm3, %0\n\tvcmpps $15, %%ymm0, %%ymm0, %%ymm0\n\t"
                     "vmovaps %%ymm0, %%ymm1\n\tvmovaps %%ymm0, %%ymm7\n\tvmovaps %%ymm0, %%ymm15"
                     : "=m"(first)::"xmm0", "xmm1", "xmm7", "xmm15");
    clean = first[0] | first[1] | first[2] | first[3];
}

__attribute__((target("avx512f"))) static void clobber_avx512(void)
{
    uint64_t first[8];

    __asm__ volatile("vmovdqu64 %%zmm17, %0\n\tvpternlogd $255, %%zmm0, %%zmm0, %%zmm0\n\t"
                     "vmovaps %%zmm0, %%zmm1\n\tvmovaps %%zmm0, %%zmm15\n\t"
                     "vmovaps %%zmm0, %%zmm16\n\tvmovaps %%zmm0, %%zmm31\n\tkxnorw %%k1, %%k1, %%k1"
                     : "=m"(first)::"xmm0", "xmm1", "xmm15");
    for (int i = 0; i < 8; i++)
        clean |= first[i];
}

static void handler(int sig, siginfo_t *info, void *context)
{
    unsigned char *fp = (unsigned char *)((ucontext_t *)context)->uc_mcontext.fpregs;
    unsigned magic1, size, extended, magic2;

    (void)sig;
    (void)info;
    clobber_avx();
    if (avx512)
        clobber_avx512();
    memcpy(&magic1, fp + SW_MAGIC1, 4);
    memcpy(&extended, fp + SW_EXTENDED, 4);
    memcpy(&size, fp + SW_SIZE, 4);
    memcpy(&magic2, fp + size, 4);
    memcpy((void *)&features, fp + SW_XFEATURES, 8);
    memcpy((void *)&bv, fp + XSTATE_BV, 8);
    calls += magic1 == MAGIC1 && magic2 == MAGIC2 && extended == size + 4 &&
             ((ucontext_t *)context)->uc_flags & 1 && (uintptr_t)fp % 64 == 0;
    image_size = size;
    memcpy(image, fp, size);
    if (mode == CHANGE) {
        fp[160 + 16 * 5] ^= 0xff;           /* xmm5 */
        fp[offset[2] + 16 * 6 + 3] ^= 0xff; /* the upper half of ymm6 */
        if (avx512) {
            fp[offset[6] + 32 * 7] ^= 0xff;     /* of zmm7 */
            fp[offset[7] + 64 * 4 + 9] ^= 0xff; /* zmm20 */
            fp[offset[5] + 8 * 2] ^= 0xff;      /* k2 */
        }
    } else if (mode != LOOK) {
        uint64_t kept = mode == DROP_AVX ? bv & ~4ul : 0;
        memcpy(fp + XSTATE_BV, &kept, 8);
    }
}

#define EACH(m) \
    m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13) m(14) m(15)
#define HIGH(m) \
    m(16) m(17) m(18) m(19) m(20) m(21) m(22) m(23) m(24) m(25) m(26) m(27) m(28) m(29) m(30) m(31)
#define LOAD_Y(n) "vmovdqu 64*" #n "(%[b]), %%ymm" #n "\n\t"
#define KEEP_Y(n) "vmovdqu %%ymm" #n ", 64*" #n "(%[a])\n\t"
#define LOAD_X(n) "movdqu 64*" #n "(%[b]), %%xmm" #n "\n\t"
#define LOAD_Z(n) "vmovdqu64 64*" #n "(%[b]), %%zmm" #n "\n\t"
#define KEEP_Z(n) "vmovdqu64 %%zmm" #n ", 64*" #n "(%[a])\n\t"
#define LOAD_K "kmovw 2056(%[b]), %%k1\n\tkmovw 2064(%[b]), %%k2\n\tkmovw 2104(%[b]), %%k7\n\t"
#define KEEP_K "kmovw %%k1, 2056(%[a])\n\tkmovw %%k2, 2064(%[a])\n\tkmovw %%k7, 2104(%[a])\n\t"

#define SIGNAL_BETWEEN(load, keep)                                                                \
    long result = SYS_kill;                                                                       \
    memset(&after, 0, sizeof(after));                                                             \
    __asm__ volatile(load "syscall\n\t" keep "vzeroall"                                           \
                     : "+a"(result)                                                               \
                     : [b] "r"(&before), [a] "r"(&after), "D"((long)getpid()), "S"((long)SIGUSR1) \
                     : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",    \
                       "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",        \
                       "xmm14", "xmm15");                                                         \
    return result

static long with_sse(void)
{
    SIGNAL_BETWEEN("vzeroall\n\t" EACH(LOAD_X), EACH(KEEP_Y));
}

static long with_avx(void)
{
    SIGNAL_BETWEEN(EACH(LOAD_Y), EACH(KEEP_Y));
}

static long with_high(void)
{
    SIGNAL_BETWEEN("vzeroall\n\t" HIGH(LOAD_Z), HIGH(KEEP_Z));
}

static long with_masks(void)
{
    SIGNAL_BETWEEN("vzeroall\n\t" LOAD_K, KEEP_K);
}

static long with_all(void)
{
    SIGNAL_BETWEEN(EACH(LOAD_Z) HIGH(LOAD_Z) LOAD_K, EACH(KEEP_Z) HIGH(KEEP_Z) KEEP_K);
}

static long with_x87(void)
{
    SIGNAL_BETWEEN("fld1\n\tfldpi\n\t" EACH(LOAD_Y),
                   EACH(KEEP_Y) "fstp %%st(0)\n\tfstp %%st(0)\n\t");
}

static void fill(int from, int to, int words)
{
    uint64_t x = 0x9e3779b97f4a7c15;

    memset(&before, 0, sizeof(before));
    for (int i = from; i < to; i++)
        for (int j = 0; j < words; j++)
            before.zmm[i][j] = x *= 0xd1342543de82ef95;
}

static void fill_masks(void)
{
    before.k[1] = 0x1234;
    before.k[2] = 0xfedc;
    before.k[7] = 0x8001;
}

static void survives(const char *what, long (*signal_between)(void), uint64_t in_use)
{
    calls = 0;
    mode = LOOK;
    clean = 0;
    check_report_eq(signal_between(), 0, what, __LINE__);
    check_report_eq(calls, 1, what, __LINE__);
    check_report(!memcmp(&before, &after, sizeof(before)), what, __LINE__);
    check_report_eq(bv & in_use, in_use, what, __LINE__);
    check_report_eq(features & in_use, in_use, what, __LINE__);
    check_report_eq(clean, 0, what, __LINE__);
    for (int i = 0; i < 16; i++) {
        if (in_use & 2 && memcmp(image + 160 + 16 * i, before.zmm[i], 16))
            check(!"xmm in the frame");
        if (in_use & 4 && memcmp(image + offset[2] + 16 * i, &before.zmm[i][2], 16))
            check(!"ymm in the frame");
        if (in_use & 64 && memcmp(image + offset[6] + 32 * i, &before.zmm[i][4], 32))
            check(!"zmm in the frame");
        if (in_use & 128 && memcmp(image + offset[7] + 64 * i, before.zmm[16 + i], 64))
            check(!"zmm16 to zmm31 in the frame");
    }
    if (in_use & 32)
        check(!memcmp(image + offset[5] + 8, &before.k[1], 2));
}

static void changed(void)
{
    fill(0, avx512 ? 32 : 16, avx512 ? 8 : 4);
    if (avx512)
        fill_masks();
    mode = CHANGE;
    check_eq(avx512 ? with_all() : with_avx(), 0);
    before.zmm[5][0] ^= 0xff;
    before.zmm[6][2] ^= 0xff000000;
    if (avx512) {
        before.zmm[7][4] ^= 0xff;
        before.zmm[20][1] ^= 0xff00;
        before.k[2] ^= 0xff;
    }
    check(!memcmp(&before, &after, sizeof(before)));
    /* Components that the handler declares unused are initial. */
    mode = DROP_AVX;
    fill(0, 16, 4);
    check_eq(with_avx(), 0);
    check_eq(after.zmm[3][0], before.zmm[3][0]);
    check_eq(after.zmm[3][2] | after.zmm[15][3], 0);
    mode = DROP_ALL;
    check_eq(with_avx(), 0);
    check_eq(after.zmm[3][0] | after.zmm[3][2] | after.zmm[15][0], 0);
}

int main(void)
{
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

    __builtin_cpu_init();
    avx512 = __builtin_cpu_supports("avx512f");
    check_ok(sigaction(SIGUSR1, &act, NULL));
    if (!__builtin_cpu_supports("avx"))
        return check_done();
    find_offsets();
    for (int i = 0; i < 3; i++) {
        fill(0, 16, 2);
        survives("SSE", with_sse, 2);
        fill(0, 16, 4);
        survives("AVX", with_avx, 6);
        survives("x87 and AVX", with_x87, 7);
        if (!avx512)
            continue;
        fill(16, 32, 8);
        survives("zmm16 to zmm31", with_high, 128);
        memset(&before, 0, sizeof(before));
        fill_masks();
        survives("masks", with_masks, 32);
        fill(0, 32, 8);
        fill_masks();
        survives("AVX-512", with_all, 0xe6);
    }
    changed();
    return check_done();
}
