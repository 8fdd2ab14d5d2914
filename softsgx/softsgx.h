/* SPDX-License-Identifier: Apache-2.0 */
/*
 * softsgx: a software SGX2 CPU and driver in the calling process.
 *
 * The calls mirror what a program does with /dev/sgx_enclave and the vDSO, with the same arguments,
 * the same errno (returned as -errno, except where noted) and the same SGX error codes.  A handle
 * is a real file descriptor (a memfd), so that fstat() works on it; close it with softsgx_close().
 *
 * What a program must know:
 *  - The first softsgx_open() takes over SIGSEGV, SIGILL, SIGSYS, SIGFPE, SIGBUS and SIGTRAP, and
 *    any other signal that already has a handler.  Later handlers go through softsgx_sigaction():
 *    the real sigaction() would take the CPU's exceptions away, or run the handler with the
 *    enclave's FS and GS.
 *  - Every thread that enters an enclave gets an alternate signal stack and syscall user dispatch,
 *    set up at its first entry.  It must not block the six signals above while it is in an enclave.
 *  - As on hardware under Linux: a page's VMA (softsgx_mmap) may not have more permissions than the
 *    page was added with (-EACCES; or, if it was mapped first, the page cannot be reached).  So
 *    reserve the whole ELRANGE with PROT_NONE, and map each segment again (MAP_FIXED) after INIT.
 *    Pages that the enclave adds itself (EACCEPT of an absent page) allow any VMA.
 *
 * Thread safety: all calls may be made from any thread at once; a second ioctl on the same handle
 * at the same time gets -EBUSY as from Linux.  No call may be made from a signal handler, except
 * softsgx_enter_enclave() and softsgx_at_aep(), which are made for it.
 */
#ifndef SOFTSGX_H
#define SOFTSGX_H

#include <asm/sgx.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* open("/dev/sgx_enclave") and open("/dev/sgx_provision"): a new handle, or -errno. */
int softsgx_open(void);
int softsgx_open_provision(void);

/*
 * SGX_IOC_* of <asm/sgx.h>: 0 or -errno; results in *arg as from Linux.
 * -EPERM from SGX_IOC_ENCLAVE_INIT means that EINIT returned an SGX error: softsgx_why() names it.
 */
int softsgx_ioctl(int fd, unsigned long req, void *arg);

/* Maps part of an enclave's range; MAP_SHARED only.  The address, or MAP_FAILED with errno set. */
void *softsgx_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);
int softsgx_mprotect(void *addr, size_t len, int prot); /* -ENOENT: no enclave mapping there */
int softsgx_munmap(void *addr, size_t len);             /* likewise */

/* Closes the handle.  The enclave itself goes when its last mapping has gone too. */
int softsgx_close(int fd);

/* True if fd is a handle of softsgx_open(). */
bool softsgx_owns(int fd);

/*
 * __vdso_sgx_enter_enclave(): see <asm/sgx.h> for the register contract, which is the vDSO's: only
 * RBX, RBP and the stack pointer are sure to come back (after an AEX, R12 to R15 are zero), so that
 * a C program calls it through a wrapper that saves the others. ENCLU in the host's own code works
 * as well (through SIGILL).
 */
int softsgx_enter_enclave(unsigned long rdi, unsigned long rsi, unsigned long rdx,
                          unsigned int function, unsigned long r8, unsigned long r9,
                          struct sgx_enclave_run *run);

/*
 * sigaction() for signals that may hit an enclave: 0 or -errno.  A signal that arrives in enclave
 * mode causes an AEX first; the handler then sees the synthetic state (RIP at the AEP, RAX =
 * ERESUME, RBX = TCS, RCX = AEP) with the host's FS and GS.  It may call
 * softsgx_enter_enclave(EENTER) for the same TCS; when it returns, the enclave is resumed.
 * Handlers run on softsgx's alternate stack.
 */
int softsgx_sigaction(int sig, const struct sigaction *act, struct sigaction *old);

/* True if the context that a handler got was interrupted in an enclave (it stands at the AEP). */
bool softsgx_at_aep(const void *ucontext);

/*
 * How cpuid inside an enclave behaves for threads that have not entered yet.  On: it raises #UD as
 * on hardware (needs a CPU with CPUID faulting; returns false if there is none), but every switch
 * to or from such a thread costs two more MSR writes, about 10 us each in a virtual machine.  Off
 * (the default, unless SOFTSGX_CPUID=fault is set): it runs.
 */
bool softsgx_cpuid_faulting(bool on);

/* The one line that a program running on softsgx should show. */
const char *softsgx_banner(void);

/* Why the last call of this thread failed, in one line, or "" (valid until the next call). */
const char *softsgx_why(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
