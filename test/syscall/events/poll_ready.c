/* SPDX-License-Identifier: Apache-2.0 */
/* poll, ppoll, select on pipes and files: readiness, hang-up, timeouts, bad descriptors. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/select.h>
#include <time.h>

int main(void)
{
    struct timespec zero = {0, 0};
    struct timeval little = {0, 20000};
    struct pollfd fds[3];
    fd_set set;
    int p[2], file = open("file", O_RDWR | O_CREAT, 0644);

    need(pipe(p) == 0 && file >= 0);
    fds[0] = (struct pollfd){p[0], POLLIN, 99};
    fds[1] = (struct pollfd){p[1], POLLOUT, 99};
    fds[2] = (struct pollfd){file, POLLIN | POLLOUT, 99};
    check_eq(poll(fds, 3, 0), 2);
    check_eq(fds[0].revents, 0);
    check_eq(fds[1].revents, POLLOUT);
    check_eq(fds[2].revents, POLLIN | POLLOUT);
    check_eq(poll(fds, 1, 20), 0);
    check_eq(write(p[1], "x", 1), 1);
    check_eq(poll(fds, 1, -1), 1);
    check_eq(fds[0].revents, POLLIN);
    check_eq(ppoll(fds, 1, &zero, NULL), 1);

    FD_ZERO(&set);
    FD_SET(p[0], &set);
    check_eq(select(p[0] + 1, &set, NULL, NULL, NULL), 1);
    check(FD_ISSET(p[0], &set));
    fds[0].revents = 0;
    need(read(p[0], &fds[1], 1) == 1);
    FD_SET(p[0], &set);
    check_eq(select(p[0] + 1, &set, NULL, NULL, &little), 0);
    check(!FD_ISSET(p[0], &set));

    close(p[1]);
    check_eq(poll(fds, 1, -1), 1);
    check_eq(fds[0].revents, POLLHUP);
    fds[0] = (struct pollfd){99, POLLIN, 0};
    check_eq(poll(fds, 1, 0), 1);
    check_eq(fds[0].revents, POLLNVAL);
    fds[0].fd = -1;
    check_eq(poll(fds, 1, 0), 0);
    check_err(poll((struct pollfd *)8, 1, 0), EFAULT);
    FD_ZERO(&set);
    FD_SET(60, &set); /* Linux looks no further than its table, which has 64 places at first */
    close(60);
    check_err(select(61, &set, NULL, NULL, &little), EBADF);
    return check_done();
}
