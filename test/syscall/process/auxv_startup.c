/* SPDX-License-Identifier: Apache-2.0 */
/* What a program finds at its start: a complete auxv, argc/argv/envp, an aligned stack. */
#include "check.h"
#include <elf.h>
#include <sys/auxv.h>

extern char **environ;

int main(int argc, char **argv)
{
    const Elf64_Phdr *phdr = (const Elf64_Phdr *)getauxval(AT_PHDR);
    const unsigned char *vdso = (const unsigned char *)getauxval(AT_SYSINFO_EHDR);
    int loads = 0;

    check_eq(argc, 1);
    check(argv[1] == NULL);
    check(environ >= argv + 2);
    check_eq(getauxval(AT_PAGESZ), 4096);
    check(phdr != NULL);
    check_eq(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
    for (unsigned long i = 0; phdr && i < getauxval(AT_PHNUM); i++)
        loads += phdr[i].p_type == PT_LOAD;
    check(loads >= 2);
    check(getauxval(AT_ENTRY) != 0);
    check_eq(getauxval(AT_UID), getuid());
    check_eq(getauxval(AT_EUID), geteuid());
    check_eq(getauxval(AT_GID), getgid());
    check_eq(getauxval(AT_SECURE), 0);
    check_eq(getauxval(AT_CLKTCK), 100);
    check(getauxval(AT_RANDOM) != 0);
    check(getauxval(AT_EXECFN) != 0);
    check(getauxval(AT_EXECFN) && strstr((const char *)getauxval(AT_EXECFN), "auxv_startup"));
    check(getauxval(AT_PLATFORM) && !strcmp((const char *)getauxval(AT_PLATFORM), "x86_64"));
    check(getauxval(AT_HWCAP) != 0);
    check(vdso && !memcmp(vdso, ELFMAG, SELFMAG));
    return check_done();
}
