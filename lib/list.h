/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A circular doubly linked list whose links live in the listed objects.  An empty head, and a
 * link that is on no list after list_init or list_del, points to itself.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(l) \
    {                \
        &(l), &(l)   \
    }
#define list_entry(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define list_for_each(it, head) for (struct list *it = (head)->next; it != (head); it = it->next)
#define list_for_each_safe(it, head)                                          \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head); \
         it = it##_next, it##_next = it->next)

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_add_between(struct list *l, struct list *prev, struct list *next)
{
    l->next = next;
    l->prev = prev;
    next->prev = l;
    prev->next = l;
}

static inline void list_add_head(struct list *head, struct list *l)
{
    list_add_between(l, head, head->next);
}

static inline void list_add_tail(struct list *head, struct list *l)
{
    list_add_between(l, head->prev, head);
}

/* Safe on a link that is on no list. */
static inline void list_del(struct list *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    list_init(l);
}

/* The first link, taken off the list; NULL when empty. */
static inline struct list *list_pop(struct list *head)
{
    struct list *l = head->next;
    if (l == head)
        return NULL;
    /* It takes a list's next link for the last one's. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    list_del(l);
    return l;
}

/* All of from goes to the end of `to`. */
static inline void list_move_all(struct list *to, struct list *from)
{
    for (struct list *l = list_pop(from); l; l = list_pop(from))
        list_add_tail(to, l);
}

#endif
