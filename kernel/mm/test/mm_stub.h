/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole of mm/ but its heap, on stub enclave pages, for hosted tests: the program's range is
 * [USER_MIN, TEST_TOP) of this process (below AddressSanitizer's shadow), files are arrays.
 */
#ifndef KERNEL_MM_TEST_MM_STUB_H
#define KERNEL_MM_TEST_MM_STUB_H

#include "kernel/mm/test/stubs.h"

#include "kernel/mm/test/epage_stub.h"

#include "kernel/mm/away.c"
#include "kernel/mm/cut.c"
#include "kernel/mm/fault.c"
#include "kernel/mm/kept.c"
#include "kernel/mm/madvise.c"
#include "kernel/mm/map.c"
#include "kernel/mm/mapcount.c"
#include "kernel/mm/merge.c"
#include "kernel/mm/mm.c"
#include "kernel/mm/mmap.c"
#include "kernel/mm/mremap.c"
#include "kernel/mm/overlay.c"
#include "kernel/mm/pagemap.c"
#include "kernel/mm/pages.c"
#include "kernel/mm/reclaim.c"
#include "kernel/mm/region.c"
#include "kernel/mm/shmap.c"
#include "kernel/mm/shmem.c"
#include "kernel/mm/slot.c"
#include "kernel/mm/swap.c"
#include "kernel/mm/sync.c"
#include "kernel/mm/text.c"
#include "kernel/mm/usage.c"
#include "kernel/mm/window.c"
#include "lib/hash.c"
#include "lib/tree.c"

#define TEST_TOP 0x70000000UL
#define TEST_PAGES ((TEST_TOP - USER_MIN) / PAGE_SIZE)
#define FILE_MAX (1024 * PAGE_SIZE)

struct kernel kernel;

void vcpus_stopped(void (*fn)(void *), void *arg)
{
    fn(arg);
}

static struct enclave_params params;
static struct process process;
static struct thread thread;
static struct mm *mm;
static int locked; /* mutexes */
static unsigned warnings;

/* As exec finds one for a program. */
static struct mm *mm_like(const struct file *program, const struct mm_like *like)
{
    struct mm *found = mm_again(program);

    return found ? found : mm_new(program, like);
}

static struct mm *mm_for(const struct file *program)
{
    return mm_like(program, &(struct mm_like){0});
}

static struct mm *mm_fresh(void)
{
    return mm_for(NULL);
}

struct test_file {
    struct file file;
    struct shmem shm;
    uint64_t size;
    int64_t mtime;
    uint64_t bad_from, bad_to; /* reads that touch this range fail */
    unsigned reads, writes;
    uint64_t pages_read;
    unsigned char *data;
};
static struct test_file *test_fd[8];
static struct super test_super = {.type = "test"};
static struct inode test_inode = {.super = &test_super, .mode = S_IFMT & 0100000};

static int test_file_mmap(struct file *f, unsigned prot, unsigned flags)
{
    (void)f;
    (void)prot;
    (void)flags;
    return 0;
}

static int test_file_share(struct file *f, struct shmem **out);

static int test_file_fsync(struct file *f, bool data_only)
{
    (void)f;
    (void)data_only;
    return 0;
}

static const struct file_ops test_ops = {
    .mmap = test_file_mmap, .share = test_file_share, .fsync = test_file_fsync};
static const struct shmem_ops test_shmem_ops;

static struct test_file *test_file_new(int fd, uint32_t flags, uint64_t size)
{
    struct test_file *t = calloc(1, sizeof(*t));

    t->file.ops = &test_ops;
    t->file.ref.count = 1;
    t->file.inode = &test_inode;
    t->file.flags = flags;
    t->size = size;
    t->data = calloc(1, FILE_MAX);
    shmem_init(&t->shm, &test_shmem_ops, 0);
    for (uint64_t i = 0; i < size; i++)
        t->data[i] = (unsigned char)(1 + (i / PAGE_SIZE + i) % 250);
    test_fd[fd] = t;
    return t;
}

static void test_file_close(int fd)
{
    struct test_file *t = test_fd[fd];

    assert_int_equal(t->file.ref.count, 1);
    assert_false(shmem_has_windows(&t->shm));
    free(t->data);
    free(t);
    test_fd[fd] = NULL;
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    abort();
}

void log_warn(const char *fmt, ...)
{
    (void)fmt;
    warnings++;
}

long syscall_reject(long err, const char *why)
{
    (void)why;
    return err;
}

uint64_t random_u64(void)
{
    return test_random(UINT64_MAX);
}

/* Allocations that succeed before one fails; < 0: all do. */
static long allocs_left = -1;

static bool alloc_fails(void)
{
    return allocs_left >= 0 && allocs_left-- == 0;
}

void *kmalloc(size_t n)
{
    return alloc_fails() ? NULL : malloc(n);
}

void *kzalloc(size_t n)
{
    return alloc_fails() ? NULL : calloc(1, n);
}

void kfree(void *p)
{
    free(p);
}

void *kpages_alloc_any(size_t n)
{
    return alloc_fails() ? NULL : malloc(n * PAGE_SIZE);
}

void *kpages_alloc(size_t n)
{
    return alloc_fails() ? NULL : calloc(n, PAGE_SIZE);
}

void kpages_free(void *p, size_t n)
{
    (void)n;
    free(p);
}

size_t heap_trim(void)
{
    return 0;
}

void patch_range_gone(struct mm *in, uaddr_t start, uaddr_t end)
{
    (void)in;
    (void)start;
    (void)end;
}

static bool patch_damaged;

bool patch_intact(struct mm *in)
{
    (void)in;
    return !patch_damaged;
}

void aio_end(struct mm *ending)
{
    (void)ending;
}

void patch_mm_gone(struct mm *gone)
{
    (void)gone;
}

int patch_mm_fork(struct mm *in, struct mm *child)
{
    (void)in;
    (void)child;
    return 0;
}

unsigned processes_count(void)
{
    return 0;
}

int process_for_each(int (*fn)(struct process *p, void *arg), void *arg)
{
    (void)fn;
    (void)arg;
    return 0;
}

int signal_send_process(struct process *p, int sig, const siginfo_t *info)
{
    (void)p;
    (void)sig;
    (void)info;
    return 0;
}

/* Turns, taken when the test says so. */
void turns_init(struct turns *g, void (*change)(struct turns *, struct turn *, struct turn *))
{
    g->change = change;
}

void turns_fini(struct turns *g)
{
    (void)g;
}

void turn_join(struct turns *g, struct turn *t)
{
    t->group = g;
    if (!g->holder)
        g->holder = t;
}

void turn_leave(struct turn *t)
{
    if (t->group && t->group->holder == t)
        t->group->holder = NULL;
    t->group = NULL;
}

uint64_t turn_alone(void)
{
    return 1;
}

bool turn_hand_over(struct turn *t, uint64_t alone)
{
    (void)alone;
    t->group->holder = t;
    return true;
}

void turn_move(struct turn *to)
{
    thread.turn = to;
}

/* What happens while others run. */
static void (*when_yielding)(void);

void thread_yield(void)
{
    if (when_yielding)
        when_yielding();
}

void turn_enter(void)
{
}

/* The test's thread is now one of this address space. */
static __attribute__((unused)) void run_in(struct mm *m)
{
    struct turns *g = m->turn.group;

    if (g && g->holder != &m->turn) {
        g->change(g, g->holder, &m->turn);
        g->holder = &m->turn;
    }
    thread.turn = &m->turn;
    process.mm = mm = m;
}

void mutex_init(struct mutex *m)
{
    (void)m;
}

void mutex_lock(struct mutex *m)
{
    assert_false(m->held);
    m->held = true;
    locked++;
}

bool mutex_trylock(struct mutex *m)
{
    if (m->held)
        return false;
    mutex_lock(m);
    return true;
}

void mutex_unlock(struct mutex *m)
{
    assert_true(m->held);
    m->held = false;
    locked--;
}

/* Anonymous shared memory: a file of zeros. */
struct anon_file {
    struct file file; /* first */
    struct shmem shm;
    uint64_t size;
};

static int anon_share(struct file *f, struct shmem **out)
{
    *out = &container_of(f, struct anon_file, file)->shm;
    return 0;
}

static const struct file_ops anon_ops = {.mmap = test_file_mmap, .share = anon_share};

static int anon_fill(struct shmem *s, const struct shmem_fill *f)
{
    pgoff_t size = container_of(s, struct anon_file, shm)->size / PAGE_SIZE;

    if (f->need >= size)
        return -EIO;
    for (pgoff_t i = f->first; i < f->first + f->n && i < size; i++) {
        unsigned state;
        shmem_run(s, i, 1, &state);
        if (!(state & PAGE_PRESENT) && shmem_add_zero(s, f->mm, i, 1, 0))
            return -ENOMEM;
    }
    return 0;
}

static const struct shmem_ops anon_shmem_ops = {.fill = anon_fill};

int tmpfs_anon_file(const char *name, uint64_t size, struct file **out)
{
    struct anon_file *a = calloc(1, sizeof(*a));

    (void)name;
    a->file.ops = &anon_ops;
    a->file.flags = O_RDWR;
    a->file.ref.count = 1;
    a->size = size;
    shmem_init(&a->shm, &anon_shmem_ops, SHMEM_EXACT | SHMEM_FORGET);
    *out = &a->file;
    return 0;
}

void inode_put(struct inode *i)
{
    i->ref.count--;
}

void file_put(struct file *f)
{
    assert_true(f->ref.count > (f->ops != &anon_ops));
    if (--f->ref.count)
        return;
    shmem_fini(&container_of(f, struct anon_file, file)->shm);
    free(f);
}

int file_stat(struct file *f, struct statx *st)
{
    memset(st, 0, sizeof(*st));
    st->stx_size = container_of(f, struct test_file, file)->size;
    st->stx_mtime.tv_sec = container_of(f, struct test_file, file)->mtime;
    return 0;
}

int file_read_exact(struct file *f, void *buf, size_t n, int64_t off)
{
    struct test_file *t = container_of(f, struct test_file, file);
    uint64_t from = (uint64_t)off;

    t->reads++;
    t->pages_read += (n + PAGE_SIZE - 1) / PAGE_SIZE;
    if (from + n > t->size || (from < t->bad_to && from + n > t->bad_from))
        return -EIO;
    memcpy(buf, t->data + off, n);
    return 0;
}

static int test_file_share(struct file *f, struct shmem **out)
{
    *out = &container_of(f, struct test_file, file)->shm;
    return 0;
}

static int test_file_fill(struct shmem *s, const struct shmem_fill *f)
{
    struct test_file *t = container_of(s, struct test_file, shm);
    pgoff_t size = (t->size + PAGE_SIZE - 1) / PAGE_SIZE;

    if (f->need >= size)
        return -EIO;
    for (pgoff_t i = f->first; i < f->first + f->n && i < size; i++) {
        size_t n = MIN(PAGE_SIZE, t->size - i * PAGE_SIZE);
        char *page = shmem_staging(f);
        unsigned state;

        shmem_run(s, i, 1, &state);
        if (state & PAGE_PRESENT)
            continue;
        if (file_read_exact(&t->file, page, n, (int64_t)(i * PAGE_SIZE)))
            return -EIO;
        memset(page + n, 0, PAGE_SIZE - n);
        if (shmem_add_copy(s, f->mm, i, 1, page))
            return -ENOMEM;
    }
    return 0;
}

static int test_file_write_back(struct shmem *s, pgoff_t first, size_t n, void *pages)
{
    struct test_file *t = container_of(s, struct test_file, shm);
    size_t off = first * PAGE_SIZE;

    t->writes++;
    if (off < t->size)
        memcpy(t->data + off, pages, MIN(n * PAGE_SIZE, t->size - off));
    return 0;
}

static const struct shmem_ops test_shmem_ops = {.fill = test_file_fill,
                                                .write_back = test_file_write_back};

int fd_lookup(int fd, bool path_ok, struct file **out)
{
    (void)path_ok;
    if (fd < 0 || fd >= 8 || !test_fd[fd])
        return -EBADF;
    *out = file_get(&test_fd[fd]->file);
    return 0;
}

static int touch(uaddr_t addr, unsigned access);

bool user_range_ok(uaddr_t a, size_t n)
{
    return a + n >= a;
}

int copy_out(uaddr_t dst, const void *src, size_t n)
{
    assert_false(locked); /* a user copy may fault */
    for (size_t i = 0; i < n; i++) {
        if (dst + i < USER_MIN || dst + i >= TEST_TOP || touch(dst + i, MM_WRITE))
            return -EFAULT;
        *(char *)(dst + i) = ((const char *)src)[i];
    }
    return 0;
}

static int mm_setup_limit(size_t limit)
{
    stub_init(USER_MIN, TEST_PAGES, limit);
    params.kernel_base = TEST_TOP;
    params.elrange_size = 0x80000000;
    kernel.params = &params;
    for (int i = 0; i < RLIM_NLIMITS; i++)
        process.rlimits[i].rlim_cur = process.rlimits[i].rlim_max = RLIM64_INFINITY;
    process.rlimits[RLIMIT_STACK].rlim_cur = 8 << 20;
    thread.process = &process;
    test_thread = &thread;
    list_init(&shrinkers);
    assert_int_equal(mm_init(), 0);
    process.mm = mm = mm_fresh();
    assert_non_null(mm);
    thread.turn = &mm->turn;
    return 0;
}

static __attribute__((unused)) int mm_setup(void **state)
{
    (void)state;
    return mm_setup_limit(100000);
}

/* mm, the only one, ends, and nothing is left. */
static __attribute__((unused)) void mm_empty_all(void)
{
    assert_int_equal(mm_resident(mm), pagemap_resident(USER_MIN, TEST_PAGES));
    mm_leave(mm);
    assert_int_equal(pagemap_resident(USER_MIN, TEST_PAGES), 0);
    mm = mm_fresh();
    mm_reclaim(mm, SIZE_MAX);
    thread.turn = &mm->turn;
    mm_leave(mm);
    assert_int_equal(stub.count, 0);
    for (size_t i = 0; i < map.nroot; i++) {
        for (size_t k = 0; map.root[i] && k < NODE_LEAVES; k++)
            free(map.root[i]->leaf[k]);
        free(map.root[i]);
    }
    free(map.root);
    free(slots.owner);
}

/* Everything that was added is in the map, everything that is gone is gone. */
static __attribute__((unused)) int mm_teardown(void **state)
{
    (void)state;
    mm_empty_all();
    stub_fini();
    return 0;
}

/* The program touches a byte: 0, or mm_fault's error.  A fault served must help within two rounds. */
static __attribute__((unused)) int touch(uaddr_t addr, unsigned access)
{
    unsigned need = access == MM_WRITE ? EPAGE_W : access == MM_EXEC ? EPAGE_X : EPAGE_R;

    for (int i = 0; i < 3; i++) {
        unsigned perm = stub_perm(ALIGN_DOWN(addr, PAGE_SIZE));
        int err;

        if (perm != STUB_ABSENT && (perm & need))
            return 0;
        err = mm_fault(mm, addr, access);
        if (err)
            return err;
    }
    fail_msg("mm_fault does not help at %lx", addr);
    return 0;
}

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static __attribute__((unused)) uaddr_t map_ok(uaddr_t addr, size_t len, unsigned long prot,
                                              unsigned long flags, int fd, unsigned long off)
{
    long ret = sys_mmap(addr, len, prot, flags, fd, off);

    assert_true(ret > 0);
    return (uaddr_t)ret;
}

#endif
