/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User copies of a thread that is away, with all of usercopy.c above them, against a flat model of the program's
 * memory: what is read, what is written, and how many bytes before a hole.  The guest is played here as
 * guest.c is one, by a memory of its own that only messages change.
 */
#include "kernel/mm/test/stubs.h"

#include "kernel/sys/usercopy.c"

#include "kernel/satellite/memory.c"

#define K PAGE_SIZE
#define PAGES 48UL
#define TOP 0x70000000UL
#define AT (TOP - PAGES * K) /* up to the end of what programs have */
#define SNAP 192UL
#define RUN 16UL /* pages looked at, whether they may be written */

struct kernel kernel;
static struct enclave_params params = {.kernel_base = TOP};
static struct thread thread;
static struct satellite satellite;
static struct stay stay;

/* Of each page: nothing, read-only, writable; a capital letter: as soon as it is touched. */
static char page[PAGES];
static uint8_t there[PAGES * K]; /* what the guest has */
static uint8_t model[PAGES * K]; /* … when all is done */

static struct wire_head asked; /* kind 0: nothing */
static bool broken;            /* the link has ended */
static unsigned sent, fetches, wants;
static size_t longer;       /* bytes that the guest adds to what it was asked for */
static int64_t lies;        /* its answer to WANT, if not 0 */
static const void *gone_at; /* host memory that is there no more */

/* --- the rest of the kernel ---------------------------------------------------------------- */

size_t raw_copy_exact(void *dst, const void *src, size_t n)
{
    if (dst == gone_at || src == gone_at)
        return n;
    memcpy(dst, src, n);
    return 0;
}

#define NOT_HERE(decl) \
    decl               \
    {                  \
        abort();       \
    }
NOT_HERE(size_t raw_copy(void *dst, const void *src, size_t n))
NOT_HERE(size_t raw_zero(void *dst, size_t n))
NOT_HERE(bool raw_load8(const uint8_t *src, uint8_t *val))
NOT_HERE(bool raw_load32(const uint32_t *src, uint32_t *val))
NOT_HERE(bool raw_load64(const uint64_t *src, uint64_t *val))
NOT_HERE(bool raw_store32(uint32_t *dst, uint32_t val))
NOT_HERE(bool raw_cmpxchg32(uint32_t *dst, uint32_t *old, uint32_t new_val))
NOT_HERE(int mm_fault(struct mm *mm, uaddr_t addr, unsigned access))

/* --- the guest ----------------------------------------------------------------------------- */

static char *page_of(uaddr_t addr)
{
    return addr >= AT && addr < TOP ? &page[(addr - AT) / K] : NULL;
}

/* False: a fault that cannot be served. */
static bool guest_touch(uaddr_t addr, bool write)
{
    char *p = page_of(addr);

    if (!p || !*p)
        return false;
    if (write && *p != 'w' && *p != 'W')
        return false;
    *p |= 0x20;
    return true;
}

static size_t guest_writable(uaddr_t addr)
{
    size_t n = 0;

    if (!user_range_ok(addr, RUN * K))
        return 0;
    while (n < RUN && page_of(addr + n * K) && *page_of(addr + n * K) == 'w')
        n++;
    return n ? n * K - addr % K : 0;
}

static size_t guest_fetched(uaddr_t addr, size_t n, char *buf)
{
    size_t i = 0;

    if (!user_range_ok(addr, n))
        return 0;
    for (; i < n && guest_touch(addr + i, false); i++)
        buf[i] = (char)there[addr + i - AT];
    return i;
}

static size_t guest_wanted(uaddr_t addr, size_t need, size_t most)
{
    uaddr_t at = addr;

    while (at - addr < most) {
        size_t n = guest_writable(at);
        if (!n && at - addr < need && guest_touch(at, true))
            n = K - at % K;
        if (!n)
            break;
        at += n;
    }
    return MIN(at - addr, most);
}

static void guest_stored(const char *body, size_t n)
{
    size_t at = 0;

    while (n - at >= sizeof(struct wire_store)) {
        struct wire_store s;
        memcpy(&s, body + at, sizeof(s));
        at += sizeof(s);
        assert_true(s.len && s.len <= n - at);
        for (size_t i = 0; i < s.len; i++) {
            const char *p = page_of(s.addr + i);
            assert_true(p && *p == 'w'); /* there, and writable: the guest takes nothing else */
            there[s.addr + i - AT] = (uint8_t)body[at + i];
        }
        at += MIN(ALIGN_UP(s.len, 8UL), n - at);
    }
    assert_int_equal(at, n);
}

int link_send(struct link *l, const void *head, size_t head_len, const void *body, size_t n)
{
    const struct wire_head *h = head;

    (void)l;
    assert_int_equal(head_len, sizeof(*h));
    assert_true(head_len + n <= LINK_MAX);
    assert_int_equal(asked.kind, 0);
    if (broken)
        return -EPIPE;
    sent++;
    if (h->kind == WIRE_STORE)
        guest_stored(body, n);
    else
        asked = *h;
    return 0;
}

int wire_tell(struct link *l, enum wire_kind kind, int64_t a, int64_t b, int64_t c)
{
    const struct wire_head h = {.kind = kind, .arg = {a, b, c}};

    return link_send(l, &h, sizeof(h), NULL, 0);
}

int stay_answer(struct stay *y, enum wire_kind kind, enum link_wait wait, size_t *n)
{
    struct wire_head *out = (struct wire_head *)y->answer;
    const struct wire_head h = asked;

    asked.kind = 0;
    memset(y->answer, 0xa5, LINK_MAX);
    if (broken)
        return -EPIPE;
    *out = (struct wire_head){.kind = kind};
    *n = sizeof(*out);
    if (kind == WIRE_FETCHED) {
        fetches++;
        assert_int_equal(h.kind, WIRE_FETCH);
        assert_in_range(h.arg[1], 1, WIRE_DATA_MAX);
        *n += guest_fetched((uaddr_t)h.arg[0], (size_t)h.arg[1], (char *)(out + 1)) + longer;
    } else {
        wants++;
        assert_int_equal(kind, WIRE_WANTED);
        assert_int_equal(h.kind, WIRE_WANT);
        out->arg[0] = (int64_t)guest_wanted((uaddr_t)h.arg[0], (size_t)h.arg[1], (size_t)h.arg[2]);
        if (lies)
            out->arg[0] = lies;
    }
    return 0;
}

/* What goes with a call: as guest.c's snap. */
static size_t snap(struct wire_call *c, char *at, const uaddr_t *arg)
{
    char *start = at;

    memset(c, 0, sizeof(*c));
    for (unsigned i = 0; i < WIRE_EXTENTS; i++) {
        struct wire_extent *e = &c->extent[i];
        size_t n = MIN(SNAP, K - arg[i] % K);
        const char *p = page_of(arg[i]);
        e->addr = arg[i];
        if (!p || *p < 'a')
            continue;
        memcpy(at, &there[arg[i] - AT], n);
        e->len = (uint32_t)n;
        e->write = (uint32_t)guest_writable(arg[i]);
        at += n;
    }
    return (size_t)(at - start);
}

static void call_begin(const uaddr_t *arg)
{
    struct wire_call *c = (struct wire_call *)(stay.msg + sizeof(struct wire_head));
    size_t n = sizeof(struct wire_head) + sizeof(*c);

    memset(stay.msg, 0x5a, LINK_MAX);
    n += snap(c, (char *)(c + 1), arg);
    assert_int_equal(memory_begin(&stay, n), 0);
}

static void call_end(void)
{
    assert_int_equal(memory_flush(&stay), broken ? -EPIPE : 0);
    stay.nextents = 0;
    if (!broken)
        assert_memory_equal(there, model, sizeof(model));
}

/* --- the model ----------------------------------------------------------------------------- */

static size_t model_run(uaddr_t addr, size_t n, bool write)
{
    size_t i = 0;

    if (!user_range_ok(addr, n))
        return 0;
    for (const char *p; i < n; i++) {
        p = page_of(addr + i);
        if (!p || !*p || (write && *p != 'w' && *p != 'W'))
            break;
    }
    return i;
}

static char buf[3 * WIRE_DATA_MAX];

static void check_in(uaddr_t addr, size_t n)
{
    size_t ok = model_run(addr, n, false);

    memset(buf, 0xee, n + 1);
    assert_int_equal(copy_in_partial(buf, addr, n), n - ok);
    assert_memory_equal(buf, &model[addr >= AT && ok ? addr - AT : 0], ok);
    assert_int_equal((uint8_t)buf[ok], 0xee);
}

static void random_bytes_into(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)test_random(256);
}

static void check_out(uaddr_t addr, size_t n)
{
    size_t ok = model_run(addr, n, true);

    random_bytes_into(buf, n);
    assert_int_equal(copy_out_partial(addr, buf, n), n - ok);
    if (ok)
        memcpy(&model[addr - AT], buf, ok);
}

static void check_zero(uaddr_t addr, size_t n)
{
    size_t ok = model_run(addr, n, true);

    assert_int_equal(zero_out(addr, n), ok == n ? 0 : -EFAULT);
    if (ok)
        memset(&model[addr - AT], 0, ok);
}

static void check_str(uaddr_t addr, size_t size)
{
    size_t ok = model_run(addr, 1, false) ? model_run(addr, MIN(size, TOP - addr), false) : 0;
    const uint8_t *start = ok ? &model[addr - AT] : NULL, *nul = ok ? memchr(start, 0, ok) : NULL;
    long want = nul ? nul - start : ok < size ? -EFAULT : -ENAMETOOLONG;

    assert_int_equal(copy_in_str(buf, addr, size), want);
    if (want > 0)
        assert_memory_equal(buf, start, want + 1);
}

/* As uio does with a lock held: what is known is moved, the lock released, more is asked for, until nothing comes. */
static void check_present(uaddr_t addr, size_t n, bool write)
{
    size_t ok = model_run(addr, n, write), done = 0, rounds = 0;

    if (!user_range_ok(addr, n))
        return; /* nobody begins with such a one */
    if (write)
        random_bytes_into(buf, n);
    while (done < n) {
        unsigned before = sent - (stay.out_used > 0);
        size_t left = write ? copy_out_present(addr + done, buf + done, n - done)
                            : copy_in_present(buf + done, addr + done, n - done);
        assert_true(write || sent <= before + 1);
        done = n - left;
        if (!left || user_fault_in(addr + done, write))
            break;
        assert_true(++rounds < 20000);
    }
    assert_int_equal(done, ok);
    if (write && ok)
        memcpy(&model[addr - AT], buf, ok);
    else if (ok)
        assert_memory_equal(buf, &model[addr - AT], ok);
}

static void check_words(uaddr_t addr)
{
    uint32_t val, old, have = 0;
    int err = addr % 4 ? -EINVAL : model_run(addr, 4, false) == 4 ? 0 : -EFAULT;
    bool writable = model_run(addr, 4, true) == 4;

    assert_int_equal(user_load32(addr, &val), err);
    if (err)
        return;
    memcpy(&have, &model[addr - AT], 4);
    assert_int_equal(val, have);
    old = test_random(2) ? have : have + 1;
    err = old == have && !writable ? -EFAULT : 0;
    bool changes = old == have && writable;
    assert_int_equal(user_cmpxchg32(addr, &old, 77), err);
    if (changes)
        memcpy(&model[addr - AT], (uint32_t[]){77}, 4);
    assert_int_equal(user_store32(addr, 0x12345678), writable ? 0 : -EFAULT);
    if (writable)
        memcpy(&model[addr - AT], (uint32_t[]){0x12345678}, 4);
}

/* --- setting up ---------------------------------------------------------------------------- */

static void pages_set(const char *kinds)
{
    for (size_t i = 0; i < PAGES; i++)
        page[i] = kinds[i % strlen(kinds)] == '-' ? 0 : kinds[i % strlen(kinds)];
}

static int setup(void **state)
{
    (void)state;
    kernel.params = &params;
    test_thread = &thread;
    thread.stay = &stay;
    stay = (struct stay){.satellite = &satellite};
    stay.msg = malloc(LINK_MAX);
    stay.answer = malloc(LINK_MAX);
    stay.out = malloc(LINK_MAX);
    for (size_t i = 0; i < sizeof(model); i++)
        model[i] = there[i] = (uint8_t)(1 + (i * 7 + i / 251) % 255);
    pages_set("w");
    asked.kind = 0;
    broken = false;
    longer = 0;
    lies = 0;
    gone_at = NULL;
    sent = fetches = wants = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(stay.msg);
    free(stay.answer);
    free(stay.out);
    return 0;
}

static const uaddr_t no_args[WIRE_EXTENTS];

/* --- tests --------------------------------------------------------------------------------- */

/* What came with the call needs no message, and what is written goes in one. */
static void test_cheap(void **state)
{
    const uaddr_t arg[WIRE_EXTENTS] = {AT + 5, AT + K + 8, AT + 20 * K, 0};

    (void)state;
    call_begin(arg);
    check_in(AT + 5, SNAP);
    check_in(AT + K + 20, 100);
    assert_int_equal(sent, 0);
    for (size_t i = 0; i < 12; i++)
        check_out(AT + 20 * K + 100 * i, 1 + 9 * i);
    assert_int_equal(sent, 0);
    call_end();
    assert_int_equal(sent, 1);
    /* With a lock held much is moved in few turns. */
    call_begin(no_args);
    check_present(AT + 7, 10 * FETCH_AHEAD, false);
    assert_int_equal(fetches, 10);
    check_present(AT + 7, 2 * WANT_MAX, true);
    assert_in_range(wants, 2, 3);
    call_end();
    fetches = 0;
    /* A string that is not there takes one. */
    call_begin(no_args);
    model[7 * K + 100] = there[7 * K + 100] = 0;
    check_str(AT + 7 * K, 4096);
    assert_int_equal(fetches, 1);
    call_end();
}

/* Up to a hole, at each distance. */
static void test_holes(void **state)
{
    (void)state;
    for (size_t n = 1; n < 3 * K; n = n * 3 + 1)
        for (size_t before = 0; before <= n; before += 1 + n / 7) {
            pages_set("wwwwWWWrrrR-");
            uaddr_t hole = AT + 11 * K;
            call_begin(no_args);
            check_in(hole - before, n);
            check_str(hole - before, n);
            check_present(hole - before, n, false);
            check_out(AT + 7 * K - before, n);
            check_zero(AT + 7 * K - before, n);
            call_end();
            pages_set("wwwwWWWrrrR-");
            call_begin(no_args);
            check_present(AT + 7 * K - before, n, true);
            call_end();
        }
}

/* The end of all that programs can have is no hole before it. */
static void test_top(void **state)
{
    (void)state;
    for (size_t n = 1; n < 600; n += 13) {
        call_begin(no_args);
        check_in(TOP - n, n);
        check_in(TOP - n, n + 1);
        call_end();
        call_begin(no_args);
        check_out(TOP - n, n);
        check_out(TOP - n, n + 1);
        check_present(TOP - n, n, true);
        check_present(TOP - n, n, false);
        model[PAGES * K - 1] = there[PAGES * K - 1] = n % 2 ? 0 : 5;
        call_end();
        call_begin(no_args);
        check_str(TOP - n, 4096);
        call_end();
    }
    assert_int_equal(copy_in_partial(buf, 0, 1), 1);
    assert_int_equal(copy_out_partial(0, buf, 1), 1);
    assert_int_equal(copy_in_partial(buf, TOP - 8, ~0UL), ~0UL);
    assert_int_equal(user_fault_in(TOP, false), -EFAULT);
    assert_int_equal(user_fault_in(USER_MIN - 1, true), -EFAULT);
}

/* What a call has written it reads, also what was written before a hole. */
static void test_read_after_write(void **state)
{
    const uaddr_t arg[WIRE_EXTENTS] = {AT, AT + K, AT + 2 * K, AT + 5 * K - 100};

    (void)state;
    pages_set("wwwww-");
    call_begin(arg);
    check_in(AT + 5 * K - 100, 100);
    check_out(AT + 5 * K - 50, 100); /* half of it */
    check_in(AT + 5 * K - 100, 100);
    check_present(AT + 5 * K - 100, 101, false);
    check_out(AT + 10, 20);
    check_in(AT, SNAP);
    check_words(AT + K);
    check_in(AT + K, 8);
    call_end();
}

static void test_big(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        call_begin(no_args);
        check_out(AT + 3, sizeof(buf) - 77 - (size_t)i);
        check_in(AT + 1, sizeof(buf) - 100);
        check_present(AT + K + 1, 2 * WIRE_DATA_MAX, true);
        check_zero(AT + 2 * K - 5, 2 * WIRE_DATA_MAX + 1);
        call_end();
    }
}

/* More pieces than are remembered. */
static void test_many_pieces(void **state)
{
    const uaddr_t arg[WIRE_EXTENTS] = {AT, AT + 9 * K, AT + 20 * K, AT + 30 * K};

    (void)state;
    pages_set("w-");
    call_begin(arg);
    for (size_t i = 0; i < PAGES; i += 2) {
        check_out(AT + i * K + 100, 50);
        check_in(AT + i * K + 90, 80);
        check_in(AT + (PAGES - 2 - i) * K + 90, 80);
    }
    for (size_t i = 0; i < PAGES; i += 2)
        check_out(AT + i * K, K + 1);
    call_end();
}

/* --- what an enclave of ours would not say -------------------------------------------------- */

static void test_too_much(void **state)
{
    (void)state;
    call_begin(no_args);
    longer = 1;
    assert_int_equal(copy_in_partial(buf, AT, FETCH_MIN), FETCH_MIN);
    longer = LINK_MAX - sizeof(struct wire_head) - FETCH_MIN;
    assert_int_equal(copy_in_partial(buf, AT, 10), 10);
    assert_int_equal(user_fault_in(AT, false), -EFAULT);
    longer = 0;
    check_in(AT, 10);
    const int64_t bad[] = {-1, INT64_MIN, INT64_MAX, WANT_MAX + 1};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        lies = bad[i];
        assert_int_equal(copy_out_partial(AT, buf, 10), 10);
        assert_int_equal(user_fault_in(AT, true), -EFAULT);
    }
    lies = 0;
    check_out(AT, 10);
    call_end();
}

static void test_bad_call(void **state)
{
    struct wire_call *c = (struct wire_call *)(stay.msg + sizeof(struct wire_head));
    const size_t bare = sizeof(struct wire_head) + sizeof(*c);

    (void)state;
    memset(c, 0, sizeof(*c));
    c->extent[0] = (struct wire_extent){AT, 100, 0};
    c->extent[1] = (struct wire_extent){AT + K, 100, 0};
    assert_int_equal(memory_begin(&stay, bare + 200), 0);
    assert_int_equal(memory_begin(&stay, bare + 199), -EBADMSG);
    assert_int_equal(memory_begin(&stay, bare), -EBADMSG);
    c->extent[1].len = UINT32_MAX;
    assert_int_equal(memory_begin(&stay, bare + 200), -EBADMSG);
    /* Around the end of all addresses there is nothing. */
    c->extent[0] = (struct wire_extent){~0UL - 10, 100, 100};
    c->extent[1] = (struct wire_extent){0, 100, UINT32_MAX};
    assert_int_equal(memory_begin(&stay, bare + 200), 0);
    assert_int_equal(copy_in_partial(buf, 0, 50), 50);
    assert_int_equal(copy_out_partial(~0UL - 5, buf, 5), 5);
    check_in(AT, 50);
}

/* The other end goes: from then on nothing can be had, and nothing of what was there is used. */
static void test_broken(void **state)
{
    const uaddr_t arg[WIRE_EXTENTS] = {AT, AT + K, 0, 0};

    (void)state;
    call_begin(arg);
    check_in(AT + 3 * K, 10);
    broken = true;
    assert_int_equal(copy_in_partial(buf, AT + 8 * K, 10), 10);
    assert_int_equal(copy_out_partial(AT + 30 * K, buf, 10), 10);
    assert_int_equal(copy_out_partial(AT + K, buf, 10), 0); /* only gathered */
    call_end();
    /* The satellite is given up, and its buffers with it; the thread that ends still makes user copies. */
    call_begin(arg);
    stay.satellite = NULL;
    teardown(state);
    stay.msg = stay.answer = stay.out = NULL;
    uint32_t val;
    assert_int_equal(user_load32(AT, &val), -EFAULT);
    assert_int_equal(user_store32(AT, 5), -EFAULT);
    assert_int_equal(copy_in_present(buf, AT, 4), 4);
    assert_int_equal(copy_out_present(AT, buf, 4), 4);
    assert_int_equal(user_fault_in(AT, false), -EFAULT);
    assert_int_equal(user_fault_in(AT, true), -EFAULT);
    assert_int_equal(memory_flush(&stay), 0);
}

/* Host memory that goes on the way ends the copy, and leaves what was gathered before as it is. */
static void test_host_gone(void **state)
{
    (void)state;
    call_begin(no_args);
    check_out(AT, 30);
    gone_at = buf;
    assert_int_equal(copy_out_host(AT + 100, (haddr_t)buf, 50), 50);
    assert_int_equal(copy_in_host((haddr_t)buf, AT, 50), 50);
    gone_at = NULL;
    check_out(AT + 40, 30);
    call_end();
}

static void random_call(void)
{
    static const char kinds[] = {0, 'r', 'R', 'w', 'w', 'W', 'w', 'W'};
    uaddr_t arg[WIRE_EXTENTS];

    for (size_t i = 0; i < WIRE_EXTENTS; i++)
        arg[i] = test_random(4) ? AT + test_random(PAGES * K) : test_random(TOP);
    for (size_t i = 0; i < 3; i++)
        page[test_random(PAGES)] = kinds[test_random(sizeof(kinds))];
    call_begin(arg);
    for (size_t ops = test_random(12); ops; ops--) {
        uaddr_t at = test_random(3) ? arg[test_random(WIRE_EXTENTS)] + test_random(64)
                                    : AT + test_random(PAGES * K);
        size_t n = test_random(4) ? 1 + test_random(400) : 1 + test_random(3 * K);
        switch (test_random(8)) {
        case 0: check_zero(at, n); break;
        case 1: check_str(at, n); break;
        case 2: check_present(at, n, false); break;
        case 3: check_present(at, n, true); break;
        case 4: check_words(ALIGN_DOWN(at, 4UL)); break;
        case 5: check_in(at, n); break;
        default: check_out(at, n);
        }
    }
    call_end();
}

static void test_random_calls(void **state)
{
    const char *seed = getenv("CELLA_TEST_SEED");

    (void)state;
    if (seed && strtoull(seed, NULL, 0))
        test_seed = strtoull(seed, NULL, 0);
    for (int i = 0; i < 3000; i++)
        random_call();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cheap),        TEST(test_holes),
        TEST(test_top),          TEST(test_read_after_write),
        TEST(test_big),          TEST(test_too_much),
        TEST(test_bad_call),     TEST(test_broken),
        TEST(test_many_pieces),  TEST(test_host_gone),
        TEST(test_random_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
