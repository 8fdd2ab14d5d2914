/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Editing a line: ERASE takes back a character, WERASE a word, KILL all of it, and what they took
 * disappears from the screen, or is shown in one of the older ways (ECHOPRT, without ECHOE, ECHOKE).
 */
#include "kernel/fs/tty/ldisc_impl.h"

enum erase { ERASE_CHARACTER, ERASE_WORD, ERASE_LINE };

static bool is_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

/* Where the last character of the line begins; l->head: it is cut and does not. */
static size_t last_character(const struct ldisc *l)
{
    size_t at = l->head;
    do
        at--;
    while (is_continuation(l, ring_at(l, at)) && at != l->canon_head);
    return is_continuation(l, ring_at(l, at)) ? l->head : at;
}

static void show_tab_gone(struct ldisc *l)
{
    unsigned columns = 0;
    bool after_tab = false;
    for (size_t at = l->head; at != l->canon_head && !after_tab;) {
        uint8_t c = ring_at(l, --at);
        if (c == '\t')
            after_tab = true;
        else if (is_control(c))
            columns += is_lflag(l, ECHOCTL) ? 2 : 0;
        else if (!is_continuation(l, c))
            columns++;
    }
    echo_erase_tab(l, columns, after_tab);
}

static void show_blanked(struct ldisc *l)
{
    echo_raw(l, '\b');
    echo_raw(l, ' ');
    echo_raw(l, '\b');
}

/* ECHOPRT: what goes is printed, between \ and /. */
static void show_printed(struct ldisc *l, size_t from, size_t to)
{
    if (!l->erasing)
        echo_raw(l, '\\');
    l->erasing = true;
    echo_char(l, ring_at(l, from));
    while (++from != to) {
        echo_raw(l, ring_at(l, from));
        echo_back(l);
    }
}

/* The character that was at head, up to `end`, is gone. */
static void show_gone(struct ldisc *l, enum erase kind, size_t end)
{
    uint8_t c = ring_at(l, l->head);
    if (is_lflag(l, ECHOPRT)) {
        show_printed(l, l->head, end);
    } else if (kind == ERASE_CHARACTER && !is_lflag(l, ECHOE)) {
        echo_char(l, l->t.c_cc[VERASE]);
    } else if (c == '\t') {
        show_tab_gone(l);
    } else {
        if (is_control(c) && is_lflag(l, ECHOCTL))
            show_blanked(l);
        if (!is_control(c) || is_lflag(l, ECHOCTL))
            show_blanked(l);
    }
}

/* KILL where the line is not wiped off the screen. */
static void kill_plain(struct ldisc *l)
{
    l->head = l->canon_head;
    if (!is_lflag(l, ECHO))
        return;
    echo_erase_end(l);
    echo_char(l, l->t.c_cc[VKILL]);
    if (is_lflag(l, ECHOK))
        echo_raw(l, '\n');
}

static void erase_some(struct ldisc *l, enum erase kind)
{
    bool word = false;
    while (l->head != l->canon_head) {
        size_t end = l->head, at = last_character(l);
        uint8_t c = ring_at(l, at);
        if (at == end)
            break;
        if (kind == ERASE_WORD && word && !is_word(c))
            break;
        word |= is_word(c);
        l->head = at;
        if (is_lflag(l, ECHO))
            show_gone(l, kind, end);
        if (kind == ERASE_CHARACTER)
            break;
    }
    if (l->head == l->canon_head && is_lflag(l, ECHO))
        echo_erase_end(l);
}

void erase_typed(struct ldisc *l, uint8_t c)
{
    const uint32_t wipes = ECHO | ECHOE | ECHOK | ECHOKE;
    if (l->head == l->canon_head)
        return;
    if (is_char(l, c, VERASE))
        erase_some(l, ERASE_CHARACTER);
    else if (is_char(l, c, VWERASE))
        erase_some(l, ERASE_WORD);
    else if ((l->t.c_lflag & wipes) == wipes)
        erase_some(l, ERASE_LINE);
    else
        kill_plain(l);
}
