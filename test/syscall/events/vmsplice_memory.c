/* SPDX-License-Identifier: Apache-2.0 */
/* vmsplice: memory into a pipe and out of it; slots by pages; SPLICE_F_NONBLOCK; refusals. */
#include "check.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static char data[65536 * 2] __attribute__((aligned(4096))), back[65536 * 2];

int main(void)
{
    int p[2], file, n = -1;
    struct iovec v[3] = {{data, 10}, {NULL, 0}, {data + 4090, 12}};

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 13 + i / 255);
    need(pipe(p) == 0);
    file = open("file", O_RDWR | O_CREAT, 0600);
    check_eq(vmsplice(p[1], v, 3, 0), 22);
    check_ok(ioctl(p[0], FIONREAD, &n));
    check_eq(n, 22);
    check_eq(read(p[0], back, 100), 22);
    check(!memcmp(back, data, 10) && !memcmp(back + 10, data + 4090, 12));

    v[0] = (struct iovec){data, sizeof(data)};
    check_eq(vmsplice(p[1], v, 1, SPLICE_F_GIFT), 65536);
    check_err(vmsplice(p[1], v, 1, SPLICE_F_NONBLOCK), EAGAIN);
    v[0] = (struct iovec){back, 5};
    v[2] = (struct iovec){back + 5, 40000};
    check_eq(vmsplice(p[0], v, 3, 0), 40005);
    check(!memcmp(back, data, 40005));
    check_eq(read(p[0], back, sizeof(back)), 65536 - 40005);
    check(!memcmp(back, data + 40005, 65536 - 40005));
    check_err(vmsplice(p[0], v, 1, SPLICE_F_NONBLOCK), EAGAIN);

    /* Every page that is touched takes a slot. */
    v[0] = (struct iovec){data + 100, 65536};
    check_eq(vmsplice(p[1], v, 1, 0), 65536 - 100);
    check_eq(read(p[0], back, sizeof(back)), 65536 - 100);

    check_err(vmsplice(999, v, 1, 0), EBADF);
    check_err(vmsplice(file, v, 1, 0), EBADF);
    check_eq(vmsplice(file, v, 0, 0), 0);
    check_err(vmsplice(p[1], v, 1, 0x10), EINVAL);
    check_err(vmsplice(p[1], v, 1025, 0), EINVAL);
    v[0] = (struct iovec){(void *)8, 10};
    check_err(vmsplice(p[1], v, 1, 0), EFAULT);
    check_err(vmsplice(p[1], (void *)8, 1, 0), EFAULT);
    signal(SIGPIPE, SIG_IGN);
    close(p[0]);
    v[0] = (struct iovec){data, 10};
    check_err(vmsplice(p[1], v, 1, 0), EPIPE);
    return check_done();
}
