/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SGX by the CPU: /dev/sgx_enclave and __vdso_sgx_enter_enclave (Linux 5.11, EDMM since 6.0).
 * Written to the driver's ABI; see doc/hardware-checklist.md for what to try on a real machine.
 */
#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include "host/device.h"

#define DEVICE "/dev/sgx_enclave"

struct vdso {
    const char *base;
    const Elf64_Sym *symtab;
    const char *strtab;
    size_t nsyms;
};

/* The kernel's own image: trusted as far as the kernel is. */
static bool vdso_open(struct vdso *v)
{
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
    if (!eh)
        return false;
    v->base = (const char *)eh;
    const Elf64_Phdr *ph = (const Elf64_Phdr *)(v->base + eh->e_phoff);
    for (int i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type != PT_DYNAMIC)
            continue;
        for (const Elf64_Dyn *d = (const Elf64_Dyn *)(v->base + ph[i].p_offset);
             d->d_tag != DT_NULL; d++) {
            const char *at = v->base + d->d_un.d_ptr;
            if (d->d_tag == DT_SYMTAB)
                v->symtab = (const Elf64_Sym *)at;
            else if (d->d_tag == DT_STRTAB)
                v->strtab = at;
            else if (d->d_tag == DT_HASH)
                v->nsyms = ((const uint32_t *)at)[1];
        }
    }
    return v->symtab && v->strtab && v->nsyms;
}

static sgx_enter_fn *vdso_find_enter(void)
{
    struct vdso v = {0};
    if (!vdso_open(&v))
        return NULL;
    for (size_t i = 0; i < v.nsyms; i++)
        if (strcmp(v.strtab + v.symtab[i].st_name, "__vdso_sgx_enter_enclave") == 0)
            return (sgx_enter_fn *)(v.base + v.symtab[i].st_value);
    return NULL;
}

static int hw_open(void)
{
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int hw_ioctl(int fd, unsigned long request, void *arg)
{
    int ret = ioctl(fd, request, arg);
    return ret < 0 ? -errno : ret;
}

static int hw_sigaction(int sig, const struct sigaction *act)
{
    return sigaction(sig, act, NULL) ? -errno : 0;
}

/* After an AEX the CPU leaves RIP at the AEP, an ENCLU, with RAX = ERESUME (SDM vol. 3D, 39.4). */
static bool hw_at_aep(const void *ucontext)
{
    const ucontext_t *uc = ucontext;
    static const uint8_t enclu[] = {0x0f, 0x01, 0xd7};
    return uc->uc_mcontext.gregs[REG_RAX] == ERESUME &&
           memcmp((const void *)uc->uc_mcontext.gregs[REG_RIP], enclu, sizeof(enclu)) == 0;
}

static uint64_t hw_xfrm(void)
{
    uint32_t a, b, c, d;
    __cpuid_count(0x12, 1, a, b, c, d);
    return (uint64_t)d << 32 | c;
}

static const char *hw_why(void)
{
    return "";
}

static struct sgx_device hw = {
    .name = "hardware",
    .open = hw_open,
    .ioctl = hw_ioctl,
    .mmap = mmap,
    .close = close,
    .sigaction = hw_sigaction,
    .at_aep = hw_at_aep,
    .xfrm = hw_xfrm,
    .why = hw_why,
};

const struct sgx_device *sgx_device_hw(const char **why)
{
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        *why = errno == ENOENT ? "no " DEVICE ": this machine has no SGX, or it is off in the "
                                 "firmware, or the kernel lacks CONFIG_X86_SGX"
                               : DEVICE " cannot be opened: are you in the group sgx?";
        return NULL;
    }
    close(fd);
    hw.enter = vdso_find_enter();
    if (!hw.enter) {
        *why = "the kernel's vDSO has no __vdso_sgx_enter_enclave: Linux 5.11 or later is needed";
        return NULL;
    }
    return &hw;
}
