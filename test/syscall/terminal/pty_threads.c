/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both sides of pairs used by several threads at once, while settings change and sides close: every call comes
 * back with what it may say, and what is kept in order stays so.
 */
#include "pair.h"

#include <pthread.h>

#define PAIRS 4
#define ROUNDS 150

static struct pair pairs[PAIRS];
static pthread_mutex_t locks[PAIRS]; /* of the numbers in pairs[], not of what is done with them */
static volatile int stop;
static volatile int wrong;

static void expect(int good, const char *what)
{
    if (!good) {
        printf("# %s: %s\n", what, strerror(errno));
        wrong = 1;
    }
}

/* EBADF: somebody has just closed it; the number may even be another file's by now. */
static int may_be(long n)
{
    return n >= 0 || errno == EAGAIN || errno == EIO || errno == EBADF || errno == ENOTTY ||
           errno == EINVAL || errno == EINTR;
}

static void *use(void *arg)
{
    unsigned seed = (unsigned)(long)arg;
    char buf[512];
    memset(buf, 'a', sizeof(buf));
    while (!stop) {
        int i = rand_r(&seed) % PAIRS;
        pthread_mutex_lock(&locks[i]);
        struct pair p = pairs[i];
        pthread_mutex_unlock(&locks[i]);
        int fd = rand_r(&seed) & 1 ? p.master : p.slave;
        struct pollfd f = {fd, POLLIN | POLLOUT, 0};
        struct termios t;
        buf[rand_r(&seed) % sizeof(buf)] = (char)rand_r(&seed);
        switch (rand_r(&seed) % 7) {
        case 0:
        case 1: expect(may_be(write(fd, buf, sizeof(buf))), "write"); break;
        case 2:
        case 3: expect(may_be(read(fd, buf, sizeof(buf))), "read"); break;
        case 4: expect(may_be(poll(&f, 1, 1)), "poll"); break;
        case 5:
            if (!tcgetattr(p.slave, &t)) {
                t.c_lflag ^= rand_r(&seed) & (ICANON | ECHO | IEXTEN);
                t.c_oflag ^= rand_r(&seed) & (OPOST | ONLCR);
                t.c_lflag &= ~(tcflag_t)ISIG;
                expect(may_be(tcsetattr(p.slave, TCSANOW, &t)), "tcsetattr");
            }
            break;
        default: expect(may_be(tcflush(fd, TCIOFLUSH)), "tcflush"); break;
        }
    }
    return NULL;
}

static int open_slave(const char *name)
{
    return open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
}

static void renew(int i)
{
    struct pair p;
    pair_open(&p);
    pair_flags(&p, L_FLAGS, 0, ISIG);
    pair_flags(&p, I_FLAGS, 0, IXON);
    fcntl(p.master, F_SETFL, O_NONBLOCK);
    fcntl(p.slave, F_SETFL, O_NONBLOCK);
    pthread_mutex_lock(&locks[i]);
    struct pair old = pairs[i];
    pairs[i] = p;
    pthread_mutex_unlock(&locks[i]);
    if (old.master > 0) {
        close(i & 1 ? old.slave : old.master);
        close(i & 1 ? old.master : old.slave);
    }
}

/* Two threads wait for what never comes; the other side's end wakes both. */
static void *wait_for_end(void *arg)
{
    int fd = *(int *)arg;
    char c;
    struct pollfd f = {fd, POLLIN, 0};
    if (arg == &pairs[0].slave)
        return (void *)(long)(read(fd, &c, 1) == -1 && errno == EIO);
    return (void *)(long)(poll(&f, 1, 20000) == 1 && (f.revents & POLLHUP));
}

static void ends(void)
{
    struct pair *p = &pairs[0];
    pthread_t t[2];
    void *good;
    int copy;
    pair_open(p);
    copy = dup(p->slave);
    pthread_create(&t[0], NULL, wait_for_end, &p->slave);
    pthread_create(&t[1], NULL, wait_for_end, &copy);
    settle();
    close(p->master);
    pthread_join(t[0], &good);
    check(good != NULL);
    pthread_join(t[1], &good);
    check(good != NULL);
    close(copy);
    close(p->slave);
    p->master = p->slave = 0;
}

int main(void)
{
    pthread_t t[4];
    ends();
    for (int i = 0; i < PAIRS; i++) {
        pthread_mutex_init(&locks[i], NULL);
        renew(i);
    }
    for (long i = 0; i < 4; i++)
        need(!pthread_create(&t[i], NULL, use, (void *)(i + 1)));
    for (int i = 0; i < ROUNDS && !wrong; i++) {
        usleep(4000);
        if (i % 3) {
            int fd = open_slave(pairs[i % PAIRS].name);
            expect(fd >= 0, "open");
            close(fd);
        } else {
            renew(i % PAIRS);
        }
    }
    stop = 1;
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    check(!wrong);
    for (int i = 0; i < PAIRS; i++)
        pair_close(&pairs[i]);
    return check_done();
}
