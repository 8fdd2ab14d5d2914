/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SGX device: what differs between hardware (the Linux driver and its vDSO) and softsgx, and
 * nothing else does.  The same calls in the same order build and enter the same enclave on both.
 */
#ifndef HOST_DEVICE_H
#define HOST_DEVICE_H

#include <asm/sgx.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ENCLU's user leaves, by which struct sgx_enclave_run says how an entry ended. */
enum { EENTER = 2, ERESUME = 3, EEXIT = 4 };

typedef int sgx_enter_fn(unsigned long rdi, unsigned long rsi, unsigned long rdx,
                         unsigned int function, unsigned long r8, unsigned long r9,
                         struct sgx_enclave_run *run);

struct sgx_device {
    const char *name;                                       /* "hardware" or "softsgx" */
    int (*open)(void);                                      /* handle or -errno */
    int (*ioctl)(int fd, unsigned long request, void *arg); /* 0, a positive SGX error, or -errno */
    /* MAP_FAILED and errno, like mmap(2) */
    void *(*mmap)(void *addr, size_t len, int prot, int flags, int fd, off_t off);
    int (*close)(int fd);
    sgx_enter_fn *enter;
    int (*sigaction)(int sig, const struct sigaction *act); /* 0 or -errno */
    bool (*at_aep)(const void *ucontext);                   /* the signal interrupted the enclave */
    uint64_t (*xfrm)(void);   /* XCR0 bits that an enclave may use here */
    const char *(*why)(void); /* a line on the last failure, or "" */
};

extern const struct sgx_device sgx_device_soft;
/* The hardware's device when this machine has one, else NULL with *why saying what is missing. */
const struct sgx_device *sgx_device_hw(const char **why);

#endif
