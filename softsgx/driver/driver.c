/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev/sgx_enclave's ioctls: copy the arguments in, check them as Linux's
 * arch/x86/kernel/cpu/sgx/ioctl.c does, run the leaf for each page, copy the results out.
 */
#include "softsgx/driver/driver.h"
#include "softsgx/sig.h"
#include "softsgx/softsgx.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static ino_t provision_inode;

static int device_open(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return why(-errno, "memfd_create: %s", strerror(errno));
    return fd;
}

int softsgx_open(void)
{
    sig_init();
    int err = bases_check();
    if (err)
        return err;
    int fd = device_open("sgx_enclave");
    if (fd >= 0 && !encl_new(fd)) {
        close(fd);
        return -ENOMEM;
    }
    return fd;
}

int softsgx_open_provision(void)
{
    /* One inode for all: SGX_IOC_ENCLAVE_PROVISION must recognise it. */
    static int first = -1;
    struct stat st;
    if (first < 0) {
        first = device_open("sgx_provision");
        if (first < 0)
            return first;
        if (!fstat(first, &st))
            provision_inode = st.st_ino;
    }
    int fd = dup(first);
    return fd < 0 ? -errno : fd;
}

static int copy_in(void *dst, const void *src, size_t len)
{
    return softsgx_copy(dst, src, len) ? why(-EFAULT, "a bad address was passed") : 0;
}

static int copy_out(void *dst, const void *src, size_t len)
{
    return copy_in(dst, src, len);
}

static int range_check(const struct encl *e, uint64_t offset, uint64_t length)
{
    if (offset % PAGE_SIZE || !length || length % PAGE_SIZE || offset + length < offset ||
        offset + length - PAGE_SIZE >= e->size)
        return why(-EINVAL, "offset and length do not fit the enclave");
    return 0;
}

static int ioc_create(struct encl *e, void *arg)
{
    struct sgx_enclave_create create;
    struct secs secs;
    if (e->size)
        return why(-EINVAL, "the enclave has been created already");
    int err = copy_in(&create, arg, sizeof(create));
    if (!err)
        err = copy_in(&secs, (void *)create.src, sizeof(secs));
    return err ? err : ecreate(e, &secs);
}

static int secinfo_check(const struct secinfo *si)
{
    uint64_t type = (si->flags & SI_PT_MASK) >> SI_PT_SHIFT;
    if (type != PT_REG && type != PT_TCS)
        return why(-EINVAL, "SECINFO: page type %d cannot be added", (int)type);
    if ((si->flags & SI_W) && !(si->flags & SI_R))
        return why(-EINVAL, "SECINFO: W without R");
    if (type == PT_TCS && (si->flags & SI_RWX))
        return why(-EINVAL, "SECINFO: a TCS has no permissions");
    if (si->flags & ~(uint64_t)(SI_RWX | SI_PT_MASK))
        return why(-EINVAL, "SECINFO: reserved flags");
    for (int i = 0; i < 7; i++)
        if (si->reserved[i])
            return why(-EINVAL, "SECINFO: a reserved field is not zero");
    return 0;
}

static int ioc_add_pages(struct encl *e, void *arg)
{
    struct sgx_enclave_add_pages add;
    struct secinfo si;
    uint64_t done;
    if (!e->size || e->initialized)
        return why(-EINVAL, "pages can be added between CREATE and INIT only");
    int err = copy_in(&add, arg, sizeof(add));
    if (!err && add.src % PAGE_SIZE)
        err = why(-EINVAL, "the source is not aligned to a page");
    if (!err)
        err = range_check(e, add.offset, add.length);
    if (!err)
        err = copy_in(&si, (void *)add.secinfo, sizeof(si));
    if (!err)
        err = secinfo_check(&si);
    if (err)
        return err;
    err = eadd(e, &add, &si, &done);
    add.count = done;
    return copy_out(arg, &add, sizeof(add)) ? -EFAULT : err;
}

static int ioc_init(struct encl *e, void *arg)
{
    struct sgx_enclave_init init;
    struct sigstruct ss;
    if (!e->size || e->initialized)
        return why(-EINVAL, "INIT comes once, after CREATE");
    int err = copy_in(&init, arg, sizeof(init));
    if (!err)
        err = copy_in(&ss, (void *)init.sigstruct, sizeof(ss));
    if (err)
        return err;
    if (ss.vendor != 0 && ss.vendor != 0x8086)
        return why(-EINVAL, "SIGSTRUCT has an unknown vendor");
    if (e->secs.attributes.flags & ~e->attributes_allowed)
        return why(-EACCES, "PROVISION_KEY or EINITTOKEN_KEY has not been allowed");
    if (ss.attributes.flags & ss.attribute_mask.flags & ~(ATTR_SUPPORTED | ATTR_INIT))
        return why(-EINVAL, "SIGSTRUCT demands attributes that this CPU has not got");
    if (ss.miscselect & ss.miscmask & ~MISC_SUPPORTED)
        return why(-EINVAL, "SIGSTRUCT demands a MISCSELECT that this CPU has not got");
    err = rootkey_load();
    if (err)
        return err;
    return einit(e, &ss) ? -EPERM : 0;
}

static int ioc_provision(struct encl *e, void *arg)
{
    struct sgx_enclave_provision p;
    struct stat st;
    int err = copy_in(&p, arg, sizeof(p));
    if (err)
        return err;
    if (fstat((int)p.fd, &st) || !provision_inode || st.st_ino != provision_inode)
        return why(-EINVAL, "not a handle of /dev/sgx_provision");
    e->attributes_allowed |= ATTR_PROVISION_KEY;
    return 0;
}

/* After a change to [offset, offset + done): the host's protection, at once. */
static void range_sync(struct encl *e, uint64_t offset, uint64_t done)
{
    tcs_invalidate(e, e->base + offset, e->base + offset + done);
    if (prot_sync(e, offset >> PAGE_SHIFT, (offset + done) >> PAGE_SHIFT))
        mem_exhausted(); /* the host would go on allowing what the EPCM forbids */
}

static int ioc_restrict(struct encl *e, void *arg)
{
    struct sgx_enclave_restrict_permissions p;
    uint64_t done = 0;
    if (!e->initialized)
        return why(-EINVAL, "the enclave is not initialized");
    int err = copy_in(&p, arg, sizeof(p));
    if (!err)
        err = range_check(e, p.offset, p.length);
    if (err)
        return err;
    if ((p.permissions & ~(uint64_t)SI_RWX) ||
        ((p.permissions & SI_W) && !(p.permissions & SI_R)) || p.result || p.count)
        return why(-EINVAL, "bad permissions, or result and count are not zero");
    for (; done < p.length && !err; done += err ? 0 : PAGE_SIZE) {
        uint64_t result = 0;
        err = emodpr(e, (p.offset + done) >> PAGE_SHIFT, (uint32_t)p.permissions, &result);
        p.result = result;
    }
    range_sync(e, p.offset, done);
    p.count = done;
    return copy_out(arg, &p, sizeof(p)) ? -EFAULT : err;
}

static int ioc_modify_types(struct encl *e, void *arg)
{
    struct sgx_enclave_modify_types p;
    uint64_t done = 0;
    if (!e->initialized)
        return why(-EINVAL, "the enclave is not initialized");
    int err = copy_in(&p, arg, sizeof(p));
    if (!err)
        err = range_check(e, p.offset, p.length);
    if (err)
        return err;
    if ((p.page_type != PT_TCS && p.page_type != PT_TRIM) || p.result || p.count)
        return why(-EINVAL, "bad page type, or result and count are not zero");
    for (; done < p.length && !err; done += err ? 0 : PAGE_SIZE) {
        uint64_t result = 0;
        err = emodt(e, (p.offset + done) >> PAGE_SHIFT, (enum page_type)p.page_type, &result);
        p.result = result;
    }
    range_sync(e, p.offset, done);
    p.count = done;
    return copy_out(arg, &p, sizeof(p)) ? -EFAULT : err;
}

/* Gives memory back to the host, and leaves it as it was before it was touched. */
static void bytes_discard(struct encl *e, uint64_t page, uint64_t end, bool inplace)
{
    size_t len = (end - page) << PAGE_SHIFT;
    if (inplace)
        softsgx_syscall(SYS_mmap, e->base + (page << PAGE_SHIFT), len, (long)PROT_NONE,
                        (long)(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED), -1L, 0L);
    else if (e->shadow)
        softsgx_syscall(SYS_madvise, e->shadow + (page << PAGE_SHIFT), len, (long)MADV_DONTNEED);
}

static void range_discard(struct encl *e, uint64_t offset, uint64_t done)
{
    uint64_t page = offset >> PAGE_SHIFT, end = (offset + done) >> PAGE_SHIFT, stop;
    if (stage_overlaps(e, page, end))
        stage_retire(e);
    for (; page < end; page = stop) {
        bool inplace = epcm_read(&e->epcm, page) & EPCM_INPLACE;
        for (stop = page; stop < end; stop++) {
            epcm_t *p = epcm_find(&e->epcm, stop);
            if (!p || !(*p & EPCM_INPLACE) == inplace)
                break;
            *p = 0;
        }
        bytes_discard(e, page, stop, inplace);
    }
}

static int ioc_remove_pages(struct encl *e, void *arg)
{
    struct sgx_enclave_remove_pages p;
    uint64_t done = 0;
    if (!e->initialized)
        return why(-EINVAL, "the enclave is not initialized");
    int err = copy_in(&p, arg, sizeof(p));
    if (!err)
        err = range_check(e, p.offset, p.length);
    if (!err && p.count)
        err = why(-EINVAL, "count is not zero");
    if (err)
        return err;
    for (; done < p.length && !err; done += err ? 0 : PAGE_SIZE)
        err = eremove(e, (p.offset + done) >> PAGE_SHIFT);
    range_discard(e, p.offset, done);
    tcs_invalidate(e, e->base + p.offset, e->base + p.offset + done);
    p.count = done;
    return copy_out(arg, &p, sizeof(p)) ? -EFAULT : err;
}

static int ioctl_locked(struct encl *e, unsigned long req, void *arg)
{
    switch (req) {
    case SGX_IOC_ENCLAVE_CREATE: return ioc_create(e, arg);
    case SGX_IOC_ENCLAVE_ADD_PAGES: return ioc_add_pages(e, arg);
    case SGX_IOC_ENCLAVE_INIT: return ioc_init(e, arg);
    case SGX_IOC_ENCLAVE_PROVISION: return ioc_provision(e, arg);
    case SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS: return ioc_restrict(e, arg);
    case SGX_IOC_ENCLAVE_MODIFY_TYPES: return ioc_modify_types(e, arg);
    case SGX_IOC_ENCLAVE_REMOVE_PAGES: return ioc_remove_pages(e, arg);
    default: return why(-ENOTTY, "unknown ioctl");
    }
}

int softsgx_ioctl(int fd, unsigned long req, void *arg)
{
    struct encl *e = encl_of_fd(fd);
    why(0, "%s", "");
    if (!e)
        return why(-EBADF, "not a softsgx handle");
    if (__atomic_exchange_n(&e->ioctl_busy, 1, __ATOMIC_ACQUIRE))
        return why(-EBUSY, "another ioctl on this enclave is running");
    uint64_t mask = lock_take_host(&e->lock);
    int err = ioctl_locked(e, req, arg);
    lock_drop_host(&e->lock, mask);
    __atomic_store_n(&e->ioctl_busy, 0, __ATOMIC_RELEASE);
    return err;
}

const char *softsgx_banner(void)
{
    return "software SGX: no protection from this machine and its administrator (no SGX hardware)";
}
