/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that processes share: anonymous with a child, by a name, by a descriptor passed over a socket; words
 * in it to wait on, semaphores, and what one process does to its mapping alone.
 */
#include "check.h"
#include "futex.h"
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PAGE 4096L
#define RW (PROT_READ | PROT_WRITE)
#define ROUNDS 2000

static char name[64];

static pid_t child(void (*fn)(void *), void *arg)
{
    pid_t pid = fork();

    need(pid >= 0);
    if (pid == 0) {
        check_failures = 0;
        fn(arg);
        _exit(check_failures != 0);
    }
    return pid;
}

static void wait_good(pid_t pid)
{
    int status = -1;

    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
}

/* --- anonymous ---------------------------------------------------------------------------- */

static void anonymous_child(void *arg)
{
    volatile int *p = arg;

    check_eq(p[0], 1);
    p[1] = 2;
    p[PAGE] = 3; /* a page that nobody has touched */
    check_ok(mprotect((void *)p, PAGE, PROT_READ));
    check_ok(munmap((void *)(p + 2 * PAGE), PAGE));
}

static void anonymous(void)
{
    volatile int *p = mmap(NULL, 16 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *private = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    need(p != MAP_FAILED && private != MAP_FAILED);
    p[0] = 1;
    private[0] = 1;
    pid_t pid = child(anonymous_child, (void *)p);
    private[0] = 2;
    wait_good(pid);
    check_eq(p[1], 2);
    check_eq(p[PAGE], 3);
    p[0] = 5; /* our rights are ours */
    p[2 * PAGE] = 6;
    check_ok(munmap((void *)p, 16 * PAGE));
    check_ok(munmap(private, PAGE));
}

/* --- words to wait on --------------------------------------------------------------------- */

static void ping(void *arg)
{
    uint32_t *word = arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        while (__atomic_load_n(&word[0], __ATOMIC_ACQUIRE) == i)
            futex(&word[0], FUTEX_WAIT, i, NULL, NULL, 0);
        __atomic_store_n(&word[1], i + 1, __ATOMIC_RELEASE);
        futex(&word[1], FUTEX_WAKE, 1, NULL, NULL, 0);
    }
}

static void futexes(void)
{
    uint32_t *word = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    need(word != MAP_FAILED);
    pid_t pid = child(ping, word);
    for (unsigned i = 0; i < ROUNDS; i++) {
        __atomic_store_n(&word[0], i + 1, __ATOMIC_RELEASE);
        futex(&word[0], FUTEX_WAKE, 1, NULL, NULL, 0);
        while (__atomic_load_n(&word[1], __ATOMIC_ACQUIRE) == i)
            futex(&word[1], FUTEX_WAIT, i, NULL, NULL, 0);
    }
    wait_good(pid);
    check_eq(word[1], ROUNDS);
    check_ok(munmap(word, PAGE));
}

struct counted {
    pthread_mutex_t mutex;
    long count;
};

static void counter(void *arg)
{
    struct counted *c = arg;

    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&c->mutex);
        c->count++;
        pthread_mutex_unlock(&c->mutex);
    }
}

static void dies_with_lock(void *arg)
{
    struct counted *c = arg;

    pthread_mutex_lock(&c->mutex);
    _exit(0);
}

static void mutexes(void)
{
    struct counted *c = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attr;
    pid_t pid[3];

    need(c != MAP_FAILED);
    pthread_mutexattr_init(&attr);
    check_eq(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
    check_eq(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST), 0);
    check_eq(pthread_mutex_init(&c->mutex, &attr), 0);
    for (int i = 0; i < 3; i++)
        pid[i] = child(counter, c);
    for (int i = 0; i < 3; i++)
        wait_good(pid[i]);
    check_eq(c->count, 3 * ROUNDS);
    wait_good(child(dies_with_lock, c));
    check_eq(pthread_mutex_lock(&c->mutex), EOWNERDEAD);
    check_eq(pthread_mutex_consistent(&c->mutex), 0);
    check_eq(pthread_mutex_unlock(&c->mutex), 0);
    check_ok(munmap(c, PAGE));
}

/* --- by name ------------------------------------------------------------------------------ */

static void named_child(void *arg)
{
    int fd = shm_open(name, O_RDWR, 0);
    char *p;

    (void)arg;
    need(fd >= 0);
    p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    need(p != MAP_FAILED);
    check(!strcmp(p + PAGE, "from the parent"));
    strcpy(p + 3 * PAGE, "from the child");
    check_ok(ftruncate(fd, 8 * PAGE));
}

static void named(void)
{
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    char *p, *q;

    need(fd >= 0);
    check_ok(ftruncate(fd, 4 * PAGE));
    p = mmap(NULL, 8 * PAGE, RW, MAP_SHARED, fd, 0);
    need(p != MAP_FAILED);
    strcpy(p + PAGE, "from the parent");
    wait_good(child(named_child, NULL));
    check(!strcmp(p + 3 * PAGE, "from the child"));
    p[7 * PAGE] = 1; /* it has grown */
    check_ok(shm_unlink(name));
    q = mmap(NULL, 8 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    need(q != MAP_FAILED);
    check_eq(q[7 * PAGE], 1);
    check_ok(munmap(p, 8 * PAGE));
    check(!strcmp(q + 3 * PAGE, "from the child"));
    check_ok(munmap(q, 8 * PAGE));
    close(fd);
}

static void poster(void *arg)
{
    sem_t *s = sem_open(name, 0);

    (void)arg;
    need(s != SEM_FAILED);
    for (int i = 0; i < 100; i++)
        check(!sem_post(s));
}

static void semaphores(void)
{
    sem_t *s = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
    int value = -1;

    need(s != SEM_FAILED);
    pid_t pid = child(poster, NULL);
    for (int i = 0; i < 100; i++)
        if (sem_wait(s))
            check_eq(errno, 0);
    wait_good(pid);
    check_eq(sem_getvalue(s, &value), 0);
    check_eq(value, 0);
    check_ok(sem_close(s));
    check_ok(sem_unlink(name));
}

/* --- by descriptor ------------------------------------------------------------------------ */

static void receive(void *arg)
{
    char control[CMSG_SPACE(sizeof(int))], byte;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    int fd = -1;
    char *p;

    check_eq(recvmsg(*(int *)arg, &m, 0), 1);
    need(CMSG_FIRSTHDR(&m));
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
    p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
    need(p != MAP_FAILED);
    check(!strcmp(p, "sealed"));
    strcpy(p + PAGE, "seen");
    check_err(ftruncate(fd, PAGE), EPERM);
}

static void passed(void)
{
    char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 'x', *p;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    int ends[2], fd;

    need(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    pid_t pid = child(receive, &ends[1]);
    /* The child was forked before the memory was there. */
    fd = memfd_create("passed", MFD_ALLOW_SEALING);
    need(fd >= 0);
    check_ok(ftruncate(fd, 2 * PAGE));
    check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL));
    p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
    need(p != MAP_FAILED);
    strcpy(p, "sealed");
    *CMSG_FIRSTHDR(&m) = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof(fd));
    check_eq(sendmsg(ends[0], &m, 0), 1);
    wait_good(pid);
    check(!strcmp(p + PAGE, "seen"));
    check_ok(munmap(p, 2 * PAGE));
    close(fd);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    snprintf(name, sizeof(name), "/shared_processes.%d", getpid());
    anonymous();
    futexes();
    mutexes();
    named();
    semaphores();
    passed();
    return check_done();
}
