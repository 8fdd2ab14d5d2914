/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snprintf with the C library's name and meaning: %d %i %u %x %X %o %c %s %p %%, flags 0 - # + and
 * space, width and precision (also *), lengths hh h l ll z j t.  No floating point, no %n.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Both end buf with NUL when size > 0; result: the length that the whole text would have. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
int snprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
