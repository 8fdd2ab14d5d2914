/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX AIO as glibc makes it, with threads: reads, writes, fsync, lists, suspend, cancel, notification by
 * signal and by thread. */
#include "check.h"
#include <aio.h>
#include <fcntl.h>
#include <semaphore.h>

static char data[4][4096], back[4][4096];
static sem_t by_signal, by_thread;

static void handler(int sig)
{
    (void)sig;
    sem_post(&by_signal);
}

static void in_thread(union sigval v)
{
    sem_post(v.sival_ptr);
}

static void wait_for(struct aiocb *cb)
{
    const struct aiocb *list[1] = {cb};

    while (aio_error(cb) == EINPROGRESS)
        aio_suspend(list, 1, NULL);
}

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0600), p[2];
    struct aiocb cb[4] = {{0}}, *list[4], one = {0};

    need(fd >= 0 && pipe(p) == 0);
    for (int i = 0; i < 4; i++) {
        memset(data[i], 'a' + i, sizeof(data[i]));
        cb[i] = (struct aiocb){.aio_fildes = fd,
                               .aio_buf = data[i],
                               .aio_nbytes = sizeof(data[i]),
                               .aio_offset = i * 4096L,
                               .aio_lio_opcode = LIO_WRITE};
        list[i] = &cb[i];
    }
    check_ok(lio_listio(LIO_WAIT, list, 4, NULL));
    for (int i = 0; i < 4; i++) {
        check_eq(aio_return(&cb[i]), 4096);
        cb[i].aio_buf = back[i];
        cb[i].aio_offset = (3 - i) * 4096L;
        check_ok(aio_read(&cb[i]));
    }
    for (int i = 0; i < 4; i++) {
        wait_for(&cb[i]);
        check_eq(aio_error(&cb[i]), 0);
        check_eq(aio_return(&cb[i]), 4096);
        check(!memcmp(back[i], data[3 - i], 4096));
    }
    one.aio_fildes = fd;
    check_ok(aio_fsync(O_SYNC, &one));
    wait_for(&one);
    check_eq(aio_return(&one), 0);

    sem_init(&by_signal, 0, 0);
    sem_init(&by_thread, 0, 0);
    signal(SIGUSR1, handler);
    one = (struct aiocb){.aio_fildes = fd, .aio_buf = back[0], .aio_nbytes = 10};
    one.aio_sigevent.sigev_notify = SIGEV_SIGNAL;
    one.aio_sigevent.sigev_signo = SIGUSR1;
    check_ok(aio_read(&one));
    while (sem_wait(&by_signal))
        ;
    wait_for(&one);
    check_eq(aio_return(&one), 10);
    one.aio_sigevent.sigev_notify = SIGEV_THREAD;
    one.aio_sigevent.sigev_notify_function = in_thread;
    one.aio_sigevent.sigev_value.sival_ptr = &by_thread;
    check_ok(aio_read(&one));
    while (sem_wait(&by_thread))
        ;
    wait_for(&one);
    check_eq(aio_return(&one), 10);

    /* A read of an empty pipe waits in its thread. */
    one = (struct aiocb){.aio_fildes = p[0], .aio_buf = back[0], .aio_nbytes = 10};
    check_ok(aio_read(&one));
    check_eq(aio_error(&one), EINPROGRESS);
    check_eq(write(p[1], "late", 4), 4);
    wait_for(&one);
    check_eq(aio_return(&one), 4);
    one.aio_fildes = 999;
    check(aio_read(&one) == 0);
    wait_for(&one);
    check_eq(aio_error(&one), EBADF);
    return check_done();
}
