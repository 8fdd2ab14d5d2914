/* SPDX-License-Identifier: Apache-2.0 */
/* Touching a file mapping in a page behind the end of the file is SIGBUS, not SIGSEGV. */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>

int main(void)
{
    int fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0644);
    unsigned char *p;

    need(fd >= 0);
    need(write(fd, "hello", 5) == 5);
    p = mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    need(p != MAP_FAILED);
    check_eq(p[4], 'o');
    check_eq(check_access(p + 4095, 0), 0);
    check_eq(check_access(p + 4096, 0), SIGBUS);
    check_eq(check_fault_info.si_code, BUS_ADRERR);
    check(check_fault_info.si_addr == p + 4096);
    return check_done();
}
