/* SPDX-License-Identifier: Apache-2.0 */
/* Ending as a program in an enclave has ended. */
#ifndef CLI_ENDING_H
#define CLI_ENDING_H

/*
 * Ends this process with a wait status as of waitpid(2), whatever its other threads are doing: no exit
 * handlers run.  If a signal killed the program, the same signal kills this process (without a core
 * file, which would be ours and not the program's).
 */
void ending_as(int wait_status) __attribute__((noreturn));

#endif
