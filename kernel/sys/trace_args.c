/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments in a trace line, each as its kind in syscall.tbl says.  Program memory is read for
 * strings and written bytes only, through copy_in; what cannot be read is shown as an address.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "kernel/sys/trace_impl.h"
#include "kernel/sys/usercopy.h"

#define STRING_SHOWN 128
#define BYTES_SHOWN 32

static void put_char(struct trace_line *l, char c)
{
    static const char plain[] = "n\0t\0r";

    if (c == '"' || c == '\\')
        line_put(l, "\\%c", c);
    else if (c == '\n' || c == '\t' || c == '\r')
        line_put(l, "\\%s", plain + (c == '\n' ? 0 : c == '\t' ? 2 : 4));
    else if (c >= ' ' && c < 0x7f)
        line_put(l, "%c", c);
    else
        line_put(l, "\\x%02x", (uint8_t)c);
}

static void put_quoted(struct trace_line *l, const char *s, size_t n, bool more)
{
    line_put(l, "\"");
    for (size_t i = 0; i < n; i++)
        put_char(l, s[i]);
    line_put(l, more ? "\"..." : "\"");
}

static void put_pointer(struct trace_line *l, uaddr_t p)
{
    if (p)
        line_put(l, "0x%lx", p);
    else
        line_put(l, "NULL");
}

static void put_string(struct trace_line *l, uaddr_t p)
{
    char s[STRING_SHOWN + 1];
    long n = copy_in_str(s, p, sizeof(s));

    if (n >= 0)
        put_quoted(l, s, (size_t)n, false);
    else if (n == -ENAMETOOLONG)
        put_quoted(l, s, STRING_SHOWN, true);
    else
        put_pointer(l, p);
}

static void put_bytes(struct trace_line *l, uaddr_t p, size_t len)
{
    char s[BYTES_SHOWN];
    size_t n = MIN(len, sizeof(s));

    if (!p || copy_in(s, p, n))
        put_pointer(l, p);
    else
        put_quoted(l, s, n, n < len);
}

static void put_flags(struct trace_line *l, const struct trace_name *names, uint32_t v)
{
    const char *sep = "";

    for (; names->name[0]; names++) {
        if (names->value ? (v & names->value) == names->value : !v) {
            line_put(l, "%s%s", sep, names->name);
            v &= ~names->value;
            sep = "|";
            if (!names->value)
                return;
        }
    }
    if (v || !*sep)
        line_put(l, v ? "%s0x%x" : "%s%x", sep, v);
}

static void put_value(struct trace_line *l, const struct trace_name *names, uint32_t v)
{
    for (; names->name[0]; names++) {
        if (names->value == v) {
            line_put(l, "%s", names->name);
            return;
        }
    }
    line_put(l, "%d", (int)v);
}

/* The access mode is a number in the two lowest bits, not flags. */
static void put_oflags(struct trace_line *l, const struct trace_name *names, uint32_t v)
{
    static const char *const modes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};

    line_put(l, "%s", modes[v & O_ACCMODE]);
    if (v & ~(uint32_t)O_ACCMODE) {
        line_put(l, "|");
        put_flags(l, names, v & ~(uint32_t)O_ACCMODE);
    }
}

/* FUTEX_WAIT|FUTEX_PRIVATE_FLAG and the like: an operation with two flag bits. */
static void put_futexop(struct trace_line *l, const struct trace_name *names, uint32_t v)
{
    put_value(l, names, v & 0x7f);
    if (v & 128)
        line_put(l, "|PRIVATE");
    if (v & 256)
        line_put(l, "|REALTIME");
}

static void put_named(struct trace_line *l, enum trace_kind kind, uint64_t v)
{
    const struct trace_name *names;
    int style = trace_names(kind, &names);

    if (kind == KIND_oflags)
        put_oflags(l, names, (uint32_t)v);
    else if (kind == KIND_futexop)
        put_futexop(l, names, (uint32_t)v);
    else if (style == NAME_STYLE_FLAGS)
        put_flags(l, names, (uint32_t)v);
    else if (style == NAME_STYLE_VALUE)
        put_value(l, names, (uint32_t)v);
    else
        line_put(l, "%d", (int)v);
}

static void put_arg(struct trace_line *l, enum trace_kind kind, const uint64_t *arg)
{
    switch (kind) {
    case KIND_uint: line_put(l, "%u", (unsigned)*arg); break;
    case KIND_long: line_put(l, "%ld", (long)*arg); break;
    case KIND_ulong:
    case KIND_size: line_put(l, "%lu", *arg); break;
    case KIND_hex: line_put(l, "0x%x", (unsigned)*arg); break;
    case KIND_mode: line_put(l, "0%o", (unsigned)*arg); break;
    case KIND_hex64: line_put(l, "0x%lx", *arg); break;
    case KIND_ptr: put_pointer(l, *arg); break;
    case KIND_path:
    case KIND_str: put_string(l, *arg); break;
    case KIND_buf: put_bytes(l, arg[0], arg[1]); break;
    default: put_named(l, kind, *arg);
    }
}

void trace_put_args(struct trace_line *l, const struct trace_call_info *c, const uint64_t arg[6])
{
    for (unsigned i = 0; i < c->nargs; i++) {
        /* A mode behind open flags means something only when a file may be made. */
        if (c->kind[i] == KIND_mode && i && c->kind[i - 1] == KIND_oflags &&
            !(arg[i - 1] & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))))
            return;
        if (i)
            line_put(l, ", ");
        put_arg(l, c->kind[i], &arg[i]);
    }
}
