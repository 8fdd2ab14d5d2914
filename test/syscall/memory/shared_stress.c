/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several processes with several threads write to one file, through shared mappings, write and read,
 * while others sync and change its size: at the end everything is there, whoever looks, and however.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#define PAGE 4096L
#define PAGES 48L /* that always belong to the file */
#define TAIL 24L  /* that come and go */
#define PROCESSES 3
#define THREADS 3
#define WORKERS (PROCESSES * THREADS)
#define ROUNDS 3000

/* What is in each page. */
struct page {
    uint64_t own[WORKERS]; /* only one worker writes it */
    uint64_t all;          /* everybody adds to it, in memory */
};

struct worker {
    int number, fd;
    struct page *map;
    uint64_t seed, count[PAGES], added[PAGES];
    int bad;
};

static unsigned draw(struct worker *w, unsigned n)
{
    w->seed = w->seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(w->seed >> 33) % n;
}

static struct page *page_at(struct page *map, long i)
{
    return (struct page *)((char *)map + i * PAGE);
}

/* One more in memory, or by read and write. */
static void add_one(struct worker *w)
{
    long i = draw(w, PAGES);
    struct page *p = page_at(w->map, i);
    off_t at = i * PAGE + w->number * 8;
    uint64_t v = 0;

    if (draw(w, 3)) {
        v = __atomic_load_n(&p->own[w->number], __ATOMIC_RELAXED);
        __atomic_store_n(&p->own[w->number], v + 1, __ATOMIC_RELAXED);
    } else {
        w->bad += pread(w->fd, &v, 8, at) != 8;
        uint64_t next = v + 1;
        w->bad += pwrite(w->fd, &next, 8, at) != 8;
    }
    w->bad += v != w->count[i];
    w->count[i]++;
    if (draw(w, 2)) {
        __atomic_fetch_add(&p->all, 1, __ATOMIC_RELAXED);
        w->added[i]++;
    }
}

/* The end of the file moves, and is written to; nobody relies on what is there. */
static void move_end(struct worker *w)
{
    char text[32] = "nobody's";
    off_t tail = PAGES * PAGE;

    if (draw(w, 2))
        w->bad += ftruncate(w->fd, tail + draw(w, TAIL * PAGE)) != 0;
    else
        w->bad += pwrite(w->fd, text, sizeof(text), tail + draw(w, TAIL * PAGE)) != sizeof(text);
    w->bad += pread(w->fd, text, sizeof(text), tail + draw(w, TAIL * PAGE)) < 0;
}

static void sync_some(struct worker *w)
{
    long i = draw(w, PAGES), n = 1 + draw(w, (unsigned)(PAGES - i));

    w->bad += msync(page_at(w->map, i), n * PAGE, draw(w, 2) ? MS_ASYNC : MS_SYNC) != 0;
}

static void map_again(struct worker *w)
{
    struct page *map =
        mmap(NULL, (PAGES + TAIL) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd, 0);

    if (map == MAP_FAILED) {
        w->bad++;
        return;
    }
    w->bad += munmap(w->map, (PAGES + TAIL) * PAGE) != 0;
    w->map = map;
}

static void *work(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < ROUNDS; i++) {
        add_one(w);
        if (!draw(w, 10))
            move_end(w);
        if (!draw(w, 100))
            sync_some(w);
        if (!draw(w, 200))
            map_again(w);
    }
    w->bad += munmap(w->map, (PAGES + TAIL) * PAGE) != 0;
    return NULL;
}

static int work_as_process(struct worker *first)
{
    pthread_t t[THREADS];
    int bad = 0;

    for (int i = 0; i < THREADS; i++) {
        struct worker *w = first + i;
        w->fd = open("file", O_RDWR);
        w->map = mmap(NULL, (PAGES + TAIL) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd, 0);
        if (w->fd < 0 || w->map == MAP_FAILED || pthread_create(&t[i], NULL, work, w))
            return 1;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
        bad += first[i].bad;
    }
    return bad != 0;
}

static struct worker *workers;

/* What the file says, by `get`, is what the workers did. */
static void compare(const char *how, const struct page *(*get)(long i, void *arg), void *arg)
{
    int wrong = 0;

    for (long i = 0; i < PAGES; i++) {
        const struct page *p = get(i, arg);
        uint64_t sum = 0;
        for (int w = 0; w < WORKERS; w++) {
            wrong += p->own[w] != workers[w].count[i];
            sum += workers[w].added[i];
        }
        wrong += p->all != sum;
    }
    printf("%s: %d wrong\n", how, wrong);
    check_eq(wrong, 0);
}

static const struct page *mapped(long i, void *arg)
{
    return page_at(arg, i);
}

static const struct page *read_in(long i, void *arg)
{
    static char buf[PAGE];

    memset(buf, 0xff, sizeof(buf));
    check_eq(pread(*(int *)arg, buf, PAGE, i * PAGE), PAGE);
    return (void *)buf;
}

int main(void)
{
    pid_t pid[PROCESSES];
    int status;
    int fd = check_ok(open("file", O_RDWR | O_CREAT | O_TRUNC, 0600));

    check_ok(ftruncate(fd, PAGES * PAGE));
    workers = mmap(NULL, WORKERS * sizeof(*workers), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    need(workers != MAP_FAILED);
    for (int i = 0; i < WORKERS; i++) {
        workers[i].number = i;
        workers[i].seed = (uint64_t)i + 1;
    }
    fflush(stdout);
    for (int i = 0; i < PROCESSES; i++) {
        pid[i] = fork();
        if (!pid[i])
            _exit(work_as_process(workers + i * THREADS));
    }
    for (int i = 0; i < PROCESSES; i++) {
        check_eq(waitpid(pid[i], &status, 0), pid[i]);
        check_eq(status, 0);
    }
    for (int i = 0; i < WORKERS; i++)
        check_eq(workers[i].bad, 0);
    void *map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    need(map != MAP_FAILED);
    compare("mapped", mapped, map);
    compare("read beside a mapping", read_in, &fd);
    check_ok(msync(map, PAGES * PAGE, MS_SYNC));
    check_ok(munmap(map, PAGES * PAGE));
    compare("read without", read_in, &fd);
    close(fd);
    fd = check_ok(open("file", O_RDONLY));
    compare("read again", read_in, &fd);
    close(fd);
    return check_done();
}
