/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snprintf without floating point.  A conversion is parsed into struct spec, turned into digits or
 * a borrowed string, and put out with its padding; the sink counts past the end of the buffer.
 */
#include "lib/format.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/string.h"

struct sink {
    char *buf;
    size_t size, len; /* len may be beyond size */
};

struct spec {
    bool left, zero, alt;
    char sign; /* '+', ' ' or 0 */
    int width;
    int precision; /* -1: none */
    int length;    /* size of the argument in bytes */
};

static void sink_put(struct sink *s, char c)
{
    if (s->len + 1 < s->size)
        s->buf[s->len] = c;
    s->len++;
}

static void sink_fill(struct sink *s, char c, long n)
{
    while (n-- > 0)
        sink_put(s, c);
}

static void sink_text(struct sink *s, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sink_put(s, text[i]);
}

static int spec_number(const char **fmt, va_list *ap)
{
    int n = 0;
    if (**fmt == '*') {
        (*fmt)++;
        return va_arg(*ap, int);
    }
    while (**fmt >= '0' && **fmt <= '9') {
        int digit = *(*fmt)++ - '0';
        n = n > (INT_MAX - digit) / 10 ? INT_MAX : n * 10 + digit;
    }
    return n;
}

static const char *spec_flags(struct spec *sp, const char *fmt)
{
    for (;; fmt++) {
        if (*fmt == '-')
            sp->left = true;
        else if (*fmt == '0')
            sp->zero = true;
        else if (*fmt == '#')
            sp->alt = true;
        else if (*fmt == '+' || (*fmt == ' ' && sp->sign != '+'))
            sp->sign = *fmt;
        else if (*fmt != ' ')
            return fmt;
    }
}

static const char *spec_length(struct spec *sp, const char *fmt)
{
    sp->length = sizeof(int);
    if (*fmt == 'h') {
        sp->length = fmt[1] == 'h' ? 1 : 2;
        return fmt + (fmt[1] == 'h' ? 2 : 1);
    }
    if (*fmt == 'l' || *fmt == 'z' || *fmt == 'j' || *fmt == 't') {
        sp->length = 8;
        return fmt + (fmt[0] == 'l' && fmt[1] == 'l' ? 2 : 1);
    }
    return fmt;
}

static const char *spec_parse(struct spec *sp, const char *fmt, va_list *ap)
{
    *sp = (struct spec){.precision = -1};
    fmt = spec_flags(sp, fmt);
    sp->width = spec_number(&fmt, ap);
    if (sp->width < 0) {
        sp->left = true;
        sp->width = sp->width == INT_MIN ? INT_MAX : -sp->width;
    }
    if (*fmt == '.') {
        fmt++;
        sp->precision = spec_number(&fmt, ap);
        if (sp->precision < 0)
            sp->precision = -1;
    }
    return spec_length(sp, fmt);
}

static uint64_t arg_unsigned(const struct spec *sp, va_list *ap)
{
    if (sp->length == 8)
        return va_arg(*ap, uint64_t);
    unsigned v = va_arg(*ap, unsigned);
    return sp->length == 1 ? (uint8_t)v : sp->length == 2 ? (uint16_t)v : v;
}

static int64_t arg_signed(const struct spec *sp, va_list *ap)
{
    if (sp->length == 8)
        return va_arg(*ap, int64_t);
    int v = va_arg(*ap, int);
    return sp->length == 1 ? (int8_t)v : sp->length == 2 ? (int16_t)v : v;
}

/* Digits of v at the end of buf; returns where they start. */
static char *digits_write(char *end, uint64_t v, unsigned base, bool upper)
{
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    while (v) {
        *--end = set[v % base];
        v /= base;
    }
    return end;
}

static void put_number(struct sink *s, const struct spec *sp, uint64_t v, const char *prefix,
                       unsigned base, bool upper)
{
    char buf[24];
    char *end = buf + sizeof(buf);
    char *start = digits_write(end, v, base, upper);
    int n = (int)(end - start);
    int plen = (int)strlen(prefix);
    int want = sp->precision < 0 ? 1 : sp->precision;

    if (base == 8 && sp->alt && want <= n)
        want = n + 1;
    int zeros = want > n ? want - n : 0;
    long pad = (long)sp->width - n - plen - zeros;
    if (sp->zero && !sp->left && sp->precision < 0 && pad > 0) {
        zeros += (int)pad;
        pad = 0;
    }
    if (!sp->left)
        sink_fill(s, ' ', pad);
    sink_text(s, prefix, (size_t)plen);
    sink_fill(s, '0', zeros);
    sink_text(s, start, (size_t)n);
    if (sp->left)
        sink_fill(s, ' ', pad);
}

static void put_signed(struct sink *s, const struct spec *sp, int64_t v)
{
    const char *prefix = v < 0 ? "-" : sp->sign == '+' ? "+" : sp->sign ? " " : "";
    put_number(s, sp, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, prefix, 10, false);
}

static void put_string(struct sink *s, const struct spec *sp, const char *text)
{
    if (!text)
        text = "(null)";
    size_t n = sp->precision < 0 ? strlen(text) : strnlen(text, (size_t)sp->precision);
    long pad = (long)sp->width - (long)n;
    if (!sp->left)
        sink_fill(s, ' ', pad);
    sink_text(s, text, n);
    if (sp->left)
        sink_fill(s, ' ', pad);
}

static void put_char(struct sink *s, const struct spec *sp, char c)
{
    if (!sp->left)
        sink_fill(s, ' ', sp->width - 1L);
    sink_put(s, c);
    if (sp->left)
        sink_fill(s, ' ', sp->width - 1L);
}

static void put_unsigned(struct sink *s, const struct spec *sp, char c, uint64_t v)
{
    bool upper = c == 'X';
    if (c == 'u')
        put_number(s, sp, v, "", 10, false);
    else if (c == 'o')
        put_number(s, sp, v, "", 8, false);
    else
        put_number(s, sp, v, sp->alt && v ? (upper ? "0X" : "0x") : "", 16, upper);
}

static void put_conversion(struct sink *s, struct spec *sp, char c, va_list *ap)
{
    switch (c) {
    case 'd':
    case 'i': put_signed(s, sp, arg_signed(sp, ap)); break;
    case 'u':
    case 'o':
    case 'x':
    case 'X': put_unsigned(s, sp, c, arg_unsigned(sp, ap)); break;
    case 'p':
        sp->alt = true;
        sp->length = 8;
        put_unsigned(s, sp, 'x', arg_unsigned(sp, ap));
        break;
    case 'c': put_char(s, sp, (char)va_arg(*ap, int)); break;
    case 's': put_string(s, sp, va_arg(*ap, const char *)); break;
    default: /* "%%", and what nobody should write */ sink_put(s, c);
    }
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct sink s = {buf, size, 0};
    struct spec sp;
    va_list args;

    va_copy(args, ap);
    while (*fmt) {
        if (*fmt != '%') {
            sink_put(&s, *fmt++);
            continue;
        }
        fmt = spec_parse(&sp, fmt + 1, &args);
        if (!*fmt)
            break;
        put_conversion(&s, &sp, *fmt++, &args);
    }
    va_end(args);
    if (size)
        buf[s.len < size ? s.len : size - 1] = '\0';
    return (int)s.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
