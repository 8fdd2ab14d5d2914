/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of processes that the host asks for: lines "pid ppid state ms command".
 *
 * Arguments may be secrets: they are told where the configuration lets logs out; elsewhere it is the name
 * that the program has given itself.
 */
#include "kernel/proc/root/control_list.h"

#include "abi/host/control.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/ocall/ocall.h"
#include "kernel/proc/exec/program.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "lib/config.h"
#include "lib/format.h"
#include "lib/string.h"

#define TEXT_SIZE 32768
#define LINE_MAX 512

static bool runs_locked(const struct process *p) REQUIRES(p->lock)
{
    list_for_each(l, &p->threads) {
        uint32_t state = list_entry(l, struct thread, process_link)->state;
        if (state == THREAD_RUNNING || state == THREAD_RUNNABLE)
            return true;
    }
    return false;
}

/* The first thread's name while there is one. */
static char state_and_name(struct process *p, char name[16])
{
    spin_lock(&p->lock);
    bool threads = !list_empty(&p->threads);
    char state = p == kernel.init ? 'S'
                 : !threads       ? 'Z'
                 : p->stop_signal ? 'T'
                 : runs_locked(p) ? 'R'
                                  : 'S';
    if (threads)
        memcpy(name, list_entry(p->threads.next, struct thread, process_link)->comm, 16);
    spin_unlock(&p->lock);
    name[15] = '\0';
    return state;
}

/* Its arguments, with blanks between them. */
static size_t put_arguments(char *at, size_t room, struct process *p)
{
    struct program *g = process_program(p);
    if (!g)
        return 0;
    size_t n = MIN(g->arg_end - g->arg_start, room);
    memcpy(at, program_args(g), n);
    program_put(g);
    while (n && !at[n - 1])
        n--;
    for (size_t i = 0; i < n; i++)
        if (!at[i] || at[i] == '\n')
            at[i] = ' ';
    return n;
}

/* One line of at most LINE_MAX bytes. */
static size_t put_line(char *at, struct process *p)
{
    char name[16] = "";
    char state = state_and_name(p, name);
    int ppid = 0;

    spin_lock(&process_tree_lock);
    if (p->parent)
        ppid = p->parent->pid;
    spin_unlock(&process_tree_lock);
    size_t n = (size_t)snprintf(at, LINE_MAX, "%d %d %c %lu ", p->pid, ppid, state,
                                (unsigned long)(process_cpu_time(p) / 1000000));
    size_t args = config_flag(kernel.config, CONFIG_F_HOST_LOG)
                      ? put_arguments(at + n, LINE_MAX - 1 - n, p)
                      : 0;
    if (!args)
        args = (size_t)snprintf(at + n, LINE_MAX - 1 - n, "%s",
                                p == kernel.init ? "init"
                                : name[0]        ? name
                                                 : "-");
    n += args;
    at[n++] = '\n';
    return n;
}

void control_list(uint64_t id)
{
    char *text = kmalloc(TEXT_SIZE);
    size_t n = 0;
    int next = 1;

    for (struct process *p; text && (p = process_next(next)); process_put(p)) {
        if (n > TEXT_SIZE - LINE_MAX) {
            ocall_control_tell(id, HOST_CONTROL_LIST, 1, text, n);
            n = 0;
        }
        n += put_line(text + n, p);
        next = p->pid + 1;
    }
    ocall_control_tell(id, HOST_CONTROL_LIST, 0, text, n);
    kfree(text);
}
