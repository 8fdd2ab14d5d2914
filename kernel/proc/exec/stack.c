/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The initial stack of a program, as the x86-64 psABI (3.4.1) and Linux lay it out.  From the top:
 *
 *     8 zero bytes, the path executed, environment strings, argument strings (the first one
 *     lowest), the platform string, 16 random bytes, padding,
 *     the auxiliary vector, envp[] and NULL, argv[] and NULL, argc  <- sp, 16-byte aligned
 *
 * Pure: it is built in kernel memory for the address where it will lie and then copied out in one
 * go.
 */
#include <linux/auxvec.h>
#include <linux/errno.h>

#include "kernel/proc/exec/exec_impl.h"
#include "lib/string.h"

#define PLATFORM "x86_64"
#define OWN_AUXV 4 /* AT_PLATFORM, AT_RANDOM, AT_EXECFN, AT_NULL */

/* A stack being filled from the top down; `left` bytes are free below. */
struct builder {
    char *buf;
    size_t left;
    uaddr_t base; /* address of buf[0] */
    bool full;
};

static uaddr_t push(struct builder *b, const void *data, size_t n)
{
    if (n > b->left) {
        b->full = true;
        return 0;
    }
    b->left -= n;
    memcpy(b->buf + b->left, data, n);
    return b->base + b->left;
}

static uaddr_t push_string(struct builder *b, const char *s)
{
    return push(b, s, strlen(s) + 1);
}

static size_t count(char *const *v)
{
    size_t n = 0;
    while (v[n])
        n++;
    return n;
}

static size_t total(char *const *v)
{
    size_t bytes = 0;
    for (; *v; v++)
        bytes += strlen(*v) + 1;
    return bytes;
}

size_t stack_size_needed(const struct stack_info *info)
{
    size_t words = 1 + count(info->argv) + 1 + count(info->envp) + 1 + 2 * (info->nauxv + OWN_AUXV);
    return 8 + strlen(info->execfn) + 1 + total(info->envp) + total(info->argv) + sizeof(PLATFORM) +
           sizeof(info->random) + words * 8 + 64;
}

/* All strings so that the first is lowest; *start and *end are their bounds. */
static void push_strings(struct builder *b, char *const *v, uaddr_t *start, uaddr_t *end)
{
    *end = b->base + b->left;
    for (size_t i = count(v); i-- > 0;)
        push_string(b, v[i]);
    *start = b->base + b->left;
}

/* Words are written rising from `at`. */
struct words {
    char *at;
};

static void put_word(struct words *w, uint64_t v)
{
    memcpy(w->at, &v, sizeof(v));
    w->at += sizeof(v);
}

static void put_pointers(struct words *w, char *const *v, uaddr_t first)
{
    for (; *v; v++) {
        put_word(w, first);
        first += strlen(*v) + 1;
    }
    put_word(w, 0);
}

static void put_aux(struct words *w, uint64_t type, uint64_t v)
{
    put_word(w, type);
    put_word(w, v);
}

int stack_build(char *buf, size_t size, uaddr_t top, const struct stack_info *info,
                struct stack_layout *out)
{
    struct builder b = {.buf = buf, .left = size, .base = top - size};
    uint64_t zero = 0;
    size_t nwords =
        1 + count(info->argv) + 1 + count(info->envp) + 1 + 2 * (info->nauxv + OWN_AUXV);

    push(&b, &zero, sizeof(zero));
    uaddr_t execfn = push_string(&b, info->execfn);
    push_strings(&b, info->envp, &out->env_start, &out->env_end);
    push_strings(&b, info->argv, &out->arg_start, &out->arg_end);
    uaddr_t platform = push_string(&b, PLATFORM);
    uaddr_t random = push(&b, info->random, sizeof(info->random));
    /* sp = base + left must be a multiple of 16. */
    if (b.full || nwords * 8 + 32 > b.left)
        return -E2BIG;
    size_t old = b.left;
    b.left -= nwords * 8;
    b.left -= (b.base + b.left) & 15;
    memset(buf + b.left, 0, old - b.left);
    out->sp = b.base + b.left;

    struct words w = {buf + b.left};
    put_word(&w, count(info->argv));
    put_pointers(&w, info->argv, out->arg_start);
    put_pointers(&w, info->envp, out->env_start);
    out->auxv = b.base + (size_t)(w.at - buf);
    for (size_t i = 0; i < info->nauxv; i++)
        put_aux(&w, info->auxv[2 * i], info->auxv[2 * i + 1]);
    put_aux(&w, AT_PLATFORM, platform);
    put_aux(&w, AT_RANDOM, random);
    put_aux(&w, AT_EXECFN, execfn);
    put_aux(&w, AT_NULL, 0);
    out->auxv_len = (size_t)(w.at - buf) - (size_t)(out->auxv - b.base);
    return 0;
}
