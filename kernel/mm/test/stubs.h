/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hosted tests of mm/ share: cmocka, and the kernel's headers made to live beside libc's.
 * Include it first.
 */
#ifndef KERNEL_MM_TEST_STUBS_H
#define KERNEL_MM_TEST_STUBS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Names that both worlds define. */
#define sigset_t kernel_sigset_t
#define timeval linux_timeval
#ifndef S_IFMT /* <linux/stat.h> leaves these to libc */
#define S_IFMT 0170000
#define S_IFCHR 0020000
#endif
#include "kernel/kernel.h"
#include "kernel/sched/thread.h"
#include "kernel/types.h"

/* %gs is the host's here. */
__attribute__((unused)) static struct thread *test_thread;
#undef current
#define current test_thread

static uint64_t test_seed = 88172645463325252UL;

static inline uint64_t test_random(uint64_t below)
{
    test_seed ^= test_seed << 13;
    test_seed ^= test_seed >> 7;
    test_seed ^= test_seed << 17;
    return test_seed % below;
}

#endif
