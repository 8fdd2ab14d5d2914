/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings that are numbers of the kernel's, one or some in a line, and can be written: as many as the text
 * has, each within its bounds, or none.
 */
#include "kernel/fs/proc/proc_impl.h"

#define NUMBERS_MAX 4U

int proc_numbers_show(struct seq *s, const struct pseudo_inode *i)
{
    const struct proc_numbers *set = i->entry->data;
    for (size_t k = 0; k < set->n; k++)
        seq_printf(s, "%lu%s", __atomic_load_n(set->number[k].value, __ATOMIC_RELAXED),
                   k + 1 < set->n ? "\t" : "\n");
    return 0;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || !c;
}

static size_t skip_spaces(const char *text, size_t n, size_t at)
{
    while (at < n && is_space(text[at]))
        at++;
    return at;
}

/* The decimal number at *at, which is moved behind it: 0, or -EINVAL. */
static int number_parse(const char *text, size_t n, size_t *at, uint64_t *out)
{
    size_t start = *at;
    uint64_t v = 0;
    for (; *at < n && text[*at] >= '0' && text[*at] <= '9'; ++*at)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(text[*at] - '0'), &v))
            return -EINVAL;
    *out = v;
    return *at > start && (*at == n || is_space(text[*at])) ? 0 : -EINVAL;
}

int proc_numbers_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    const struct proc_numbers *set = i->entry->data;
    uint64_t v[NUMBERS_MAX];
    size_t k = 0;
    for (size_t at = skip_spaces(text, n, 0); at < n; at = skip_spaces(text, n, at)) {
        if (k == MIN(set->n, NUMBERS_MAX) || number_parse(text, n, &at, &v[k]))
            return -EINVAL;
        if (v[k] < set->number[k].min || v[k] > set->number[k].max)
            return -EINVAL;
        k++;
    }
    for (size_t j = 0; j < k; j++)
        __atomic_store_n(set->number[j].value, v[j], __ATOMIC_RELAXED);
    return k ? 0 : -EINVAL;
}
