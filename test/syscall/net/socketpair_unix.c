/* SPDX-License-Identifier: Apache-2.0 */
/* socketpair(AF_UNIX, SOCK_STREAM), which event loops use to wake themselves. */
#include "check.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

int main(void)
{
    struct stat st;
    int s[2], type = 0;
    socklen_t size = sizeof(type);
    char buf[8];

    check_ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s));
    check_eq(fcntl(s[0], F_GETFD), FD_CLOEXEC);
    check_eq(fcntl(s[1], F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK);
    check_ok(fstat(s[0], &st));
    check(S_ISSOCK(st.st_mode));
    check_ok(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &type, &size));
    check_eq(type, SOCK_STREAM);

    check_err(read(s[0], buf, 8), EAGAIN);
    check_eq(send(s[0], "ab", 2, MSG_NOSIGNAL), 2);
    check_eq(write(s[0], "cd", 2), 2);
    check_eq(recv(s[1], buf, 1, MSG_PEEK), 1);
    check_eq(recv(s[1], buf, 8, 0), 4);
    check(!memcmp(buf, "abcd", 4));
    check_eq(write(s[1], "x", 1), 1);
    check_eq(read(s[0], buf, 8), 1);
    check_err(lseek(s[0], 0, SEEK_SET), ESPIPE);

    check_ok(shutdown(s[0], SHUT_WR));
    check_eq(read(s[1], buf, 8), 0);
    check_ok(close(s[1]));
    check_eq(read(s[0], buf, 8), 0);
    check_err(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    check_err(socketpair(12345, SOCK_STREAM, 0, s), EAFNOSUPPORT);
    return check_done();
}
