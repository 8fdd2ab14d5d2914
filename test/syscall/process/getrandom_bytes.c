/* SPDX-License-Identifier: Apache-2.0 */
/* getrandom, /dev/urandom and AT_RANDOM give bytes, never the same twice. */
#include "check.h"
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/random.h>

int main(void)
{
    static unsigned char a[1 << 20], b[1 << 20];
    const unsigned char *seed;
    int histogram[256] = {0}, fd, rare = 0;

    check_eq(getrandom(a, 256, 0), 256);
    check_eq(getrandom(b, 256, GRND_NONBLOCK), 256);
    check(memcmp(a, b, 256) != 0);
    check_eq(getrandom(a, sizeof(a), 0), sizeof(a));
    for (size_t i = 0; i < sizeof(a); i++)
        histogram[a[i]]++;
    for (int i = 0; i < 256; i++)
        rare += histogram[i] < 3000 || histogram[i] > 5200;
    check_eq(rare, 0);
    check_err(getrandom(a, 16, 0x80), EINVAL);
    check_err(getrandom((void *)8, 16, 0), EFAULT);
    check_eq(getrandom(a, 0, 0), 0);

    fd = (int)check_ok(open("/dev/urandom", O_RDONLY));
    check_eq(read(fd, b, 100), 100);
    check_eq(read(fd, b + 100, 100), 100);
    check(memcmp(b, b + 100, 100) != 0);
    seed = (const unsigned char *)getauxval(AT_RANDOM);
    need(seed);
    rare = 0;
    for (int i = 0; i < 16; i++)
        rare |= seed[i];
    check(rare != 0);
    return check_done();
}
