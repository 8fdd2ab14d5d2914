/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own basic types.
 *
 * Addresses of another world are integers with a name, never C pointers: they cannot be
 * dereferenced by mistake.  Data crosses through copy_in/copy_out (program memory, sys/usercopy.h)
 * and host_in/host_out (untrusted memory, ocall/hostmem.h) only.
 */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t uaddr_t; /* an address in the program's memory, unchecked */
typedef uint64_t haddr_t; /* an address in the host's memory, unchecked */
typedef uint64_t pgoff_t; /* an index in pages */
typedef int64_t ktime_t;  /* nanoseconds; KTIME_NEVER: no deadline */

#define KTIME_NEVER INT64_MAX

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a) (((x) + ((a)-1)) & ~((__typeof__(x))(a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define MUST_CHECK __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

#endif
