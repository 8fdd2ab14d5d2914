/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Argument and environment vectors on their way through the kernel.  Everything is copied in before
 * exec changes anything; sizes are limited as Linux does, so that a program cannot make the kernel
 * use more memory than its stack could hold.
 */
#include "kernel/proc/exec/strings.h"

#include <linux/errno.h>

#include "kernel/mm/heap.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

void strings_init(struct strings *s)
{
    *s = (struct strings){0};
}

void strings_free(struct strings *s)
{
    for (size_t i = 0; i < s->n; i++)
        kfree(s->v[i]);
    kfree(s->v);
    strings_init(s);
}

/* Room for one more pointer and the NULL behind it. */
static int strings_grow(struct strings *s)
{
    if (s->n + 1 < s->cap)
        return 0;
    size_t cap = s->cap ? s->cap * 2 : 16;
    char **v = krealloc(s->v, cap * sizeof(*v));
    if (!v)
        return -ENOMEM;
    s->v = v;
    s->cap = cap;
    s->v[s->n] = NULL;
    return 0;
}

static int strings_push(struct strings *s, char *text, size_t len)
{
    int err = strings_grow(s);
    if (err) {
        kfree(text);
        return err;
    }
    s->v[s->n++] = text;
    s->v[s->n] = NULL;
    s->bytes += len + 1;
    return 0;
}

int strings_add(struct strings *s, const char *text, size_t len)
{
    if (len >= MAX_ARG_STRLEN)
        return -E2BIG;
    char *copy = kmalloc(len + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return strings_push(s, copy, len);
}

/* buf: MAX_ARG_STRLEN bytes of scratch. */
static int add_user_string(struct strings *s, uaddr_t addr, char *buf)
{
    long len = copy_in_str(buf, addr, MAX_ARG_STRLEN);
    if (len < 0)
        return len == -ENAMETOOLONG ? -E2BIG : (int)len;
    return strings_add(s, buf, (size_t)len);
}

int strings_copy_in(struct strings *s, uaddr_t array, size_t limit)
{
    int err = strings_grow(s); /* so that an empty vector has its NULL */

    if (err || !array)
        return err;
    char *buf = kmalloc(MAX_ARG_STRLEN);
    if (!buf)
        return -ENOMEM;
    for (;;) {
        uaddr_t addr;
        err = copy_in(&addr, array + s->n * sizeof(addr), sizeof(addr));
        if (err || !addr)
            break;
        err = add_user_string(s, addr, buf);
        if (!err && s->bytes + s->n * sizeof(addr) > limit)
            err = -E2BIG;
        if (err)
            break;
    }
    kfree(buf);
    return err;
}
