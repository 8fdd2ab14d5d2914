/* SPDX-License-Identifier: Apache-2.0 */
/* sendfile and copy_file_range copy the bytes and move the right offset, or say they cannot. */
#include "check.h"
#include <fcntl.h>
#include <sys/sendfile.h>

int main(void)
{
    static char data[200000], back[200000];
    int in = open("in", O_RDWR | O_CREAT | O_TRUNC, 0644);
    int out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0644);
    off_t offset = 100;
    ssize_t count;

    need(in >= 0 && out >= 0);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 31 + i / 251);
    need(write(in, data, sizeof(data)) == sizeof(data));
    check_eq(sendfile(out, in, &offset, 50000), 50000);
    check_eq(offset, 50100);
    check_eq(lseek(in, 0, SEEK_CUR), sizeof(data));
    check_eq(pread(out, back, 50000, 0), 50000);
    check(!memcmp(back, data + 100, 50000));
    check_eq(sendfile(out, in, NULL, 10), 0);
    check_eq(lseek(in, 199990, SEEK_SET), 199990);
    check_eq(sendfile(out, in, NULL, 100), 10);

    /* A kernel may refuse copy_file_range with one of these; programs then copy themselves. */
    offset = 0;
    count = copy_file_range(in, &offset, out, NULL, 1000, 0);
    check(count == 1000 || (count == -1 && (errno == ENOSYS || errno == EXDEV ||
                                            errno == EOPNOTSUPP || errno == EINVAL)));
    check_err(sendfile(99, in, NULL, 10), EBADF);
    check_err(sendfile(out, 99, NULL, 10), EBADF);
    return check_done();
}
