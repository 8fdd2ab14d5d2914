/* SPDX-License-Identifier: Apache-2.0 */
/* epoll: level, edge and one-shot readiness of pipes and eventfds; timeouts; the errors. */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int pipes[2];

static void *write_later(void *arg)
{
    usleep(30000);
    if (write(pipes[1], "x", 1) != 1)
        check_failures++;
    return arg;
}

int main(void)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x123456789abcdef0}, got[4];
    pthread_t thread;
    int epoll = (int)check_ok(epoll_create1(EPOLL_CLOEXEC)), counter, file;
    uint64_t value;
    char c;

    need(pipe(pipes) == 0);
    check_eq(fcntl(epoll, F_GETFD), FD_CLOEXEC);
    check_ok(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event));
    check_err(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event), EEXIST);
    check_eq(epoll_wait(epoll, got, 4, 0), 0);
    check_eq(epoll_wait(epoll, got, 4, 20), 0);
    need(pthread_create(&thread, NULL, write_later, NULL) == 0);
    check_eq(epoll_wait(epoll, got, 4, 5000), 1);
    pthread_join(thread, NULL);
    check_eq(got[0].events, EPOLLIN);
    check_eq(got[0].data.u64, 0x123456789abcdef0);
    check_eq(epoll_wait(epoll, got, 4, 0), 1);

    event.events = EPOLLIN | EPOLLET;
    check_ok(epoll_ctl(epoll, EPOLL_CTL_MOD, pipes[0], &event));
    check_eq(epoll_wait(epoll, got, 4, 0), 1);
    check_eq(epoll_wait(epoll, got, 4, 0), 0);
    need(write(pipes[1], "y", 1) == 1);
    check_eq(epoll_wait(epoll, got, 4, 0), 1);

    event.events = EPOLLIN | EPOLLONESHOT;
    check_ok(epoll_ctl(epoll, EPOLL_CTL_MOD, pipes[0], &event));
    check_eq(epoll_wait(epoll, got, 4, 0), 1);
    need(write(pipes[1], "z", 1) == 1);
    check_eq(epoll_wait(epoll, got, 4, 0), 0);
    check_ok(epoll_ctl(epoll, EPOLL_CTL_DEL, pipes[0], NULL));
    check_err(epoll_ctl(epoll, EPOLL_CTL_DEL, pipes[0], NULL), ENOENT);

    counter = (int)check_ok(eventfd(3, EFD_NONBLOCK));
    event.events = EPOLLIN | EPOLLOUT;
    check_ok(epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event));
    check_eq(epoll_wait(epoll, got, 4, 0), 1);
    check_eq(got[0].events, EPOLLIN | EPOLLOUT);
    check_eq(read(counter, &value, 8), 8);
    check_eq(value, 3);
    check_err(read(counter, &value, 8), EAGAIN);
    check_err(read(counter, &c, 1), EINVAL);
    value = (uint64_t)-2;
    check_eq(write(counter, &value, 8), 8);
    value = 1;
    check_err(write(counter, &value, 8), EAGAIN);
    check_eq(epoll_wait(epoll, got, 4, 0), 1);
    check_eq(got[0].events, EPOLLIN);
    close(counter);
    check_eq(epoll_wait(epoll, got, 4, 0), 0);

    file = open("file", O_RDWR | O_CREAT, 0644);
    check_err(epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event), EPERM);
    check_err(epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event), EINVAL);
    check_err(epoll_ctl(epoll, EPOLL_CTL_ADD, 99, &event), EBADF);
    check_err(epoll_wait(epoll, got, 0, 0), EINVAL);
    check_err(epoll_create1(0x55), EINVAL);
    return check_done();
}
