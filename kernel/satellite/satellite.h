/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Satellites: enclaves of their own for processes that cannot run beside others in one, because they have the same
 * addresses (mm/overlay.h).  The first enclave, the *base*, has the kernel's whole state; a satellite has the
 * same kernel, and of one process at a time, its *guest*, the memory and the registers.
 *
 * In the base the guest's thread is still there: it carries out the guest's system calls, in the kernel, with user
 * copies that are messages.  So a guest is a process like any other to all the rest.  README.md says the rest.
 */
#ifndef KERNEL_SATELLITE_SATELLITE_H
#define KERNEL_SATELLITE_SATELLITE_H

#include "kernel/kernel.h"
#include "kernel/sched/thread.h"
#include "kernel/types.h"

struct stay;
struct user_regs;
struct file;
struct inode;
struct process;

/* --- the base --- */

/* The host can run so many; 0: none.  Once at boot. */
void satellites_init(unsigned max);
/*
 * On its way to the program: the current thread's group wants another member to run (sched/turns.h), and its process could
 * go elsewhere.  Cheap when that is not so.
 */
bool satellite_due(void);
/* The current process has a new program, which has not begun. */
void satellite_exec(void);
/* Then: it goes, if it may, and comes back when it must; regs are then as for the way to the program. May not return. */
void satellite_visit(struct user_regs *regs);
/* The current thread, which is away, ends: its memory is given up where it is. */
void satellite_end(void);

/*
 * p comes home, if it is away: for those who look into its memory's map.  And all that show a file that is about to become
 * shorter; or (shared) that may be written from now on.  Returns when they are here, where they stay for a moment, or after
 * two seconds.  May sleep.
 * -ERESTARTNOINTR: it is the current process, which comes home when the system call returns that, and makes it again.
 */
MUST_CHECK int satellite_recall(const struct process *p);
void satellite_recall_file(const struct inode *i, bool shared);
/* Processes that have gone, and of these come back; system calls that came from satellites. */
enum satellite_count { SATELLITE_JOURNEY, SATELLITE_RETURN, SATELLITE_CALL, SATELLITE_COUNTS };
uint64_t satellite_count_get(enum satellite_count what);

/* The user copies of a thread that is away (sys/usercopy.h): bytes not copied. */
static inline bool thread_is_away(void)
{
    return unlikely(current->stay != NULL);
}
MUST_CHECK size_t away_copy_in(void *dst, uaddr_t src, size_t n);
MUST_CHECK size_t away_copy_out(uaddr_t dst, const void *src, size_t n);
/* What is here already: for those that hold a lock. */
MUST_CHECK size_t away_copy_in_present(void *dst, uaddr_t src, size_t n);
MUST_CHECK size_t away_copy_out_present(uaddr_t dst, const void *src, size_t n);
MUST_CHECK int away_fault_in(uaddr_t addr, size_t n, bool write); /* 0 or -EFAULT */

/* --- the satellite --- */

/* The whole life of one, whose link is that descriptor of the host's. */
NORETURN void satellite_main(int link_fd);
/* The current thread is a guest's. */
static inline bool thread_is_guest(void)
{
    return unlikely(kernel.satellite);
}
/* A guest's system call. May not return. */
void guest_call(struct user_regs *regs);
/* A guest on its way to its program after an interruption: it may have been called back.  May not return. */
void guest_resume(struct user_regs *regs);
/* What it does next only the base can see to: it goes home. */
NORETURN void guest_leave(struct user_regs *regs);

#endif
