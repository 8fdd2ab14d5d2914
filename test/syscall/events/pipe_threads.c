/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes, splice and tee with many threads at both ends: no byte is lost or doubled, and all see the end. */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#define WRITERS 3
#define MOVERS 2
#define READERS 3
#define WRITES 1500

static int first[2], second[2], copy[2], sink;
static long written, taken, shared, copied;

static void *writer(void *arg)
{
    static char buf[6000];
    unsigned seed = (unsigned)(long)arg;

    for (int i = 0; i < WRITES; i++) {
        ssize_t n = write(first[1], buf, 1 + (size_t)rand_r(&seed) % (i % 20 ? 200 : sizeof(buf)));
        __atomic_add_fetch(&written, n, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void *mover(void *arg)
{
    while (splice(first[0], NULL, second[1], NULL, 3000, 0) > 0)
        ;
    return arg;
}

/* Some read, some move the data on to a file. */
static void *reader(void *arg)
{
    static char buf[READERS][5000];
    long i = (long)arg;
    ssize_t n;

    do {
        n = i ? read(second[0], buf[i], sizeof(buf[i]))
              : splice(second[0], NULL, sink, NULL, sizeof(buf[i]), 0);
        if (n > 0)
            __atomic_add_fetch(&taken, n, __ATOMIC_SEQ_CST);
    } while (n > 0);
    return NULL;
}

static void *sharer(void *arg)
{
    ssize_t n;

    while ((n = tee(second[0], copy[1], 700, 0)) > 0)
        shared += n;
    close(copy[1]);
    return arg;
}

static void *copy_reader(void *arg)
{
    static char buf[3000];
    ssize_t n;

    while ((n = read(copy[0], buf, sizeof(buf))) > 0)
        copied += n;
    return arg;
}

static void start(pthread_t *t, void *(*fn)(void *), int n)
{
    for (long i = 0; i < n; i++)
        need(pthread_create(&t[i], NULL, fn, (void *)i) == 0);
}

static void finish(pthread_t *t, int n)
{
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
}

int main(void)
{
    pthread_t w[WRITERS], m[MOVERS], r[READERS], s[1], c[1];
    struct stat st;

    need(pipe(first) == 0 && pipe(second) == 0 && pipe(copy) == 0);
    sink = open("sink", O_CREAT | O_WRONLY, 0600);
    start(w, writer, WRITERS);
    start(m, mover, MOVERS);
    start(r, reader, READERS);
    start(s, sharer, 1);
    start(c, copy_reader, 1);
    finish(w, WRITERS);
    close(first[1]);
    finish(m, MOVERS);
    close(second[1]);
    finish(r, READERS);
    finish(s, 1);
    finish(c, 1);
    check(written > 0);
    check_eq(taken, written);
    check_eq(copied, shared);
    check_ok(fstat(sink, &st));
    check(st.st_size <= taken);
    return check_done();
}
