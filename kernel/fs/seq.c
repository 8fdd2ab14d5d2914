/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows; see seq.h. */
#include "kernel/fs/seq.h"

#include <linux/errno.h>

#include "kernel/mm/heap.h"
#include "lib/format.h"
#include "lib/string.h"

void seq_init(struct seq *s)
{
    *s = (struct seq){0};
}

void seq_fini(struct seq *s)
{
    kfree(s->buf);
    seq_init(s);
}

/* Room for n more bytes. */
static bool seq_reserve(struct seq *s, size_t n)
{
    if (s->err)
        return false;
    if (n <= s->room - s->len)
        return true;
    size_t room = MAX(s->room * 2, (size_t)512);
    while (room - s->len < n && room <= SEQ_MAX)
        room *= 2;
    if (room > SEQ_MAX) {
        s->err = -EFBIG;
        return false;
    }
    char *buf = krealloc(s->buf, room);
    if (!buf) {
        s->err = -ENOMEM;
        return false;
    }
    s->buf = buf;
    s->room = room;
    return true;
}

void seq_write(struct seq *s, const void *data, size_t n)
{
    if (!seq_reserve(s, n))
        return;
    memcpy(s->buf + s->len, data, n);
    s->len += n;
}

void seq_puts(struct seq *s, const char *text)
{
    seq_write(s, text, strlen(text));
}

static int __attribute__((format(printf, 2, 0)))
try_format(struct seq *s, const char *fmt, va_list ap)
{
    return vsnprintf(s->buf ? s->buf + s->len : NULL, s->room - s->len, fmt, ap);
}

void seq_printf(struct seq *s, const char *fmt, ...)
{
    va_list ap;
    if (s->err)
        return;
    va_start(ap, fmt);
    int n = try_format(s, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n >= s->room - s->len) { /* its NUL did not fit either */
        if (!seq_reserve(s, (size_t)n + 1))
            return;
        va_start(ap, fmt);
        n = try_format(s, fmt, ap);
        va_end(ap);
    }
    s->len += (size_t)n;
}

void seq_escape(struct seq *s, const char *text, size_t n, const char *special)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\\' || (c && strchr(special, c)))
            seq_printf(s, "\\%03o", c);
        else
            seq_write(s, &text[i], 1);
    }
}
