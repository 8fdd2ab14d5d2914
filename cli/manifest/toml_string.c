/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML strings: basic and literal, on one line or on several.
 */
#include <string.h>

#include "cli/mem.h"
#include "cli/manifest/toml_impl.h"

#include <stdlib.h>

struct buffer {
    char *text;
    size_t len, room;
};

static void put(struct buffer *b, const char *s, size_t n)
{
    if (b->len + n + 1 > b->room) {
        b->room = 2 * (b->len + n + 1);
        b->text = mem_grow(b->text, b->room, 1);
    }
    memcpy(b->text + b->len, s, n);
    b->len += n;
    b->text[b->len] = 0;
}

static void put_utf8(struct buffer *b, uint32_t c)
{
    char s[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6)
        s[i] = (char)(0x80 | (c & 0x3f));
    s[0] = (char)(lead[n] | c);
    put(b, s, n);
}

static bool parse_unicode(struct toml_parser *t, struct buffer *b, int digits)
{
    struct toml_place place = toml_here(t);
    uint32_t c = 0;
    for (int i = 0; i < digits; i++, t->p++) {
        char d = *t->p;
        if (d >= '0' && d <= '9')
            c = c << 4 | (uint32_t)(d - '0');
        else if ((d | 0x20) >= 'a' && (d | 0x20) <= 'f')
            c = c << 4 | (uint32_t)((d | 0x20) - 'a' + 10);
        else
            return toml_fail(t, place, "an escape needs %d hexadecimal digits", digits);
    }
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return toml_fail(t, place, "an escape names no Unicode character");
    put_utf8(b, c);
    return true;
}

/* A backslash before a line end removes it and all blank space up to the next character. */
static bool skip_folded(struct toml_parser *t)
{
    toml_skip_blanks(t);
    if (!toml_take_newline(t))
        return toml_fail(t, toml_here(t), "only blanks may stand between \\ and the line end");
    do
        toml_skip_blanks(t);
    while (toml_take_newline(t));
    return true;
}

static bool parse_escape(struct toml_parser *t, struct buffer *b, bool multi)
{
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
    struct toml_place place = toml_here(t);
    t->p++;
    char c = *t->p;
    const char *hit = c ? strchr(from, c) : NULL;
    if (hit) {
        put(b, &to[hit - from], 1);
        t->p++;
        return true;
    }
    if (c == 'u' || c == 'U') {
        t->p++;
        return parse_unicode(t, b, c == 'u' ? 4 : 8);
    }
    if (multi && (c == ' ' || c == '\t' || c == '\n' || c == '\r'))
        return skip_folded(t);
    return toml_fail(t, place, "unknown escape; write \\\\ for a backslash, or use '…'");
}

/* One ordinary character of a string. */
static bool take_char(struct toml_parser *t, struct buffer *b)
{
    unsigned char c = (unsigned char)*t->p;
    if ((c < 0x20 && c != '\t') || c == 0x7f)
        return toml_fail(t, toml_here(t), "a string may not hold the control character 0x%02x", c);
    put(b, t->p++, 1);
    return true;
}

static bool parse_line(struct toml_parser *t, struct buffer *b, char quote)
{
    struct toml_place start = toml_here(t);
    for (t->p++; *t->p != quote;) {
        if (t->p == t->end || *t->p == '\n')
            return toml_fail(t, start, "the string does not end on its line; add %c", quote);
        if (quote == '"' && *t->p == '\\' ? !parse_escape(t, b, false) : !take_char(t, b))
            return false;
    }
    t->p++;
    return true;
}

/* Up to two quotes may stand directly before the closing three. */
static bool at_close(struct toml_parser *t, struct buffer *b, char quote)
{
    size_t n = 0;
    while (n < 5 && t->p[n] == quote)
        n++;
    if (n < 3)
        return false;
    put(b, t->p, n - 3);
    t->p += n;
    return true;
}

static bool parse_lines(struct toml_parser *t, struct buffer *b, char quote)
{
    struct toml_place start = toml_here(t);
    t->p += 3;
    toml_take_newline(t);
    while (!at_close(t, b, quote)) {
        if (t->p == t->end)
            return toml_fail(t, start, "the string does not end; add %c%c%c", quote, quote, quote);
        if (toml_take_newline(t))
            put(b, "\n", 1);
        else if (quote == '"' && *t->p == '\\' ? !parse_escape(t, b, true) : !take_char(t, b))
            return false;
    }
    return true;
}

bool toml_parse_string(struct toml_parser *t, bool multi, char **text, size_t *len)
{
    struct buffer b = {0};
    char quote = *t->p;
    bool triple = t->p[1] == quote && t->p[2] == quote;
    put(&b, "", 0);
    if (multi && triple ? parse_lines(t, &b, quote) : parse_line(t, &b, quote)) {
        *text = b.text;
        *len = b.len;
        return true;
    }
    free(b.text);
    return false;
}
