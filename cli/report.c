/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two printers.  Strings may hold any bytes (file names do): in text, control characters are
 * shown as \xHH so that a terminal obeys none of them; in JSON, what is not UTF-8 becomes U+FFFD.
 */
#include "cli/report.h"

#include <string.h>

#include "cli/size.h"

static void indent(struct report *r)
{
    for (int i = 0; i < r->depth; i++)
        fputs("  ", r->file);
}

/* Length of the UTF-8 sequence at p, 0 if it is not one (overlong and surrogates included). */
static int utf8_length(const unsigned char *p)
{
    if (p[0] < 0x80)
        return 1;
    int n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    for (int i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

static void put_json_string(struct report *r, const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    putc('"', r->file);
    while (*p) {
        int n = utf8_length(p);
        if (*p == '"' || *p == '\\')
            fprintf(r->file, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            fprintf(r->file, "\\u%04x", *p);
        else if (n)
            fwrite(p, 1, (size_t)n, r->file);
        else
            fputs("\\ufffd", r->file);
        p += n ? n : 1;
    }
    putc('"', r->file);
}

static void put_text_string(struct report *r, const char *s)
{
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            fprintf(r->file, "\\x%02x", *p);
        else
            putc(*p, r->file);
    }
}

/* Everything before a value: comma, new line, indentation, key and what comes after it in text. */
static void begin_with(struct report *r, const char *key, const char *after)
{
    if (r->json) {
        if (r->depth)
            fputs(r->more[r->depth] ? ",\n" : "\n", r->file);
        indent(r);
        if (key) {
            put_json_string(r, key);
            fputs(": ", r->file);
        }
    } else {
        for (int i = 1; i < r->depth; i++)
            fputs("  ", r->file);
        if (key)
            fprintf(r->file, "%s:%s", key, after);
        else if (r->depth)
            fprintf(r->file, "-%s", after);
    }
    r->more[r->depth] = true;
}

static void begin_value(struct report *r, const char *key)
{
    begin_with(r, key, " ");
}

static void end_value(struct report *r)
{
    if (!r->json)
        putc('\n', r->file);
}

static void open_group(struct report *r, const char *key, bool list)
{
    begin_with(r, key, "");
    if (r->json)
        putc(list ? '[' : '{', r->file);
    else if (r->depth)
        putc('\n', r->file);
    r->depth++;
    r->list[r->depth] = list;
    r->more[r->depth] = false;
}

void report_begin(struct report *r, FILE *file, bool json)
{
    *r = (struct report){.file = file, .json = json};
    open_group(r, NULL, false);
}

bool report_end(struct report *r)
{
    report_close(r);
    if (r->json)
        putc('\n', r->file);
    return fflush(r->file) == 0 && !ferror(r->file);
}

void report_object(struct report *r, const char *key)
{
    open_group(r, key, false);
}

void report_list(struct report *r, const char *key)
{
    open_group(r, key, true);
}

void report_close(struct report *r)
{
    bool list = r->list[r->depth], more = r->more[r->depth];
    r->depth--;
    if (!r->json)
        return;
    if (more) {
        putc('\n', r->file);
        indent(r);
    }
    putc(list ? ']' : '}', r->file);
}

void report_string(struct report *r, const char *key, const char *value)
{
    begin_value(r, key);
    if (r->json)
        put_json_string(r, value);
    else
        put_text_string(r, value);
    end_value(r);
}

void report_number(struct report *r, const char *key, uint64_t value)
{
    begin_value(r, key);
    fprintf(r->file, "%lu", value);
    end_value(r);
}

void report_bool(struct report *r, const char *key, bool value)
{
    begin_value(r, key);
    fputs(r->json ? (value ? "true" : "false") : (value ? "yes" : "no"), r->file);
    end_value(r);
}

void report_hex(struct report *r, const char *key, const void *data, size_t len)
{
    begin_value(r, key);
    const char *quote = r->json ? "\"" : "";
    fputs(quote, r->file);
    for (size_t i = 0; i < len; i++)
        fprintf(r->file, "%02x", ((const uint8_t *)data)[i]);
    fputs(quote, r->file);
    end_value(r);
}

void report_bits(struct report *r, const char *key, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "0x%lx", value);
    report_string(r, key, text);
}

void report_size(struct report *r, const char *key, uint64_t bytes)
{
    char text[SIZE_TEXT];
    size_format(bytes, text);
    if (r->json)
        report_number(r, key, bytes);
    else
        report_string(r, key, text);
}
