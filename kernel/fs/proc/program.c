/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmdline, environ, auxv.  A process sees the bytes in its own memory as they are now (a program may write over its
 * arguments to change its title); others see the copies that its exec left, because the memory of another process
 * is out of reach.
 */
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/sys/usercopy.h"

#define TITLE_MAX 4096U /* Linux: a page */

/* The current process's memory [from, to). */
static int memory_show(struct seq *s, uaddr_t from, uaddr_t to)
{
    char piece[512];

    while (from < to) {
        size_t n = MIN(to - from, sizeof(piece));
        if (copy_in(piece, from, n))
            return -EIO;
        seq_write(s, piece, n);
        from += n;
    }
    return 0;
}

/* setproctitle(3): the text runs on to its first NUL, into the environment if need be. */
static int title_show(struct seq *s, const struct program *g)
{
    uaddr_t at = g->arg_start, end = MIN(g->env_end, at + TITLE_MAX);
    char c = 1;

    for (; at < end && c; at++) {
        if (copy_in(&c, at, 1))
            return -EIO;
        seq_write(s, &c, 1);
    }
    return 0;
}

static int own_args_show(struct seq *s, const struct program *g)
{
    char last;

    if (g->arg_start == g->arg_end)
        return 0;
    if (copy_in(&last, g->arg_end - 1, 1))
        return -EIO;
    return last ? title_show(s, g) : memory_show(s, g->arg_start, g->arg_end);
}

static int own_environ_show(struct seq *s, const struct program *g)
{
    return memory_show(s, g->env_start, g->env_end);
}

static int kept_args_show(struct seq *s, const struct program *g)
{
    seq_write(s, program_args(g), g->arg_end - g->arg_start);
    return 0;
}

static int kept_environ_show(struct seq *s, const struct program *g)
{
    seq_write(s, program_environ(g), g->env_end - g->env_start);
    return 0;
}

/* Not even a program's own memory: Linux has a copy too. */
static int kept_auxv_show(struct seq *s, const struct program *g)
{
    seq_write(s, program_auxv(g), g->auxv_len);
    return 0;
}

typedef int show_program(struct seq *s, const struct program *g);

static int show(struct seq *s, const struct pseudo_inode *i, show_program *own, show_program *kept)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    struct program *g = process_program(p);
    int err = !g ? 0 : p == current_process() ? own(s, g) : kept(s, g);
    program_put(g);
    process_put(p);
    return err;
}

int proc_args_show(struct seq *s, const struct pseudo_inode *i)
{
    return show(s, i, own_args_show, kept_args_show);
}

int proc_environ_show(struct seq *s, const struct pseudo_inode *i)
{
    return show(s, i, own_environ_show, kept_environ_show);
}

int proc_auxv_show(struct seq *s, const struct pseudo_inode *i)
{
    return show(s, i, kept_auxv_show, kept_auxv_show);
}
