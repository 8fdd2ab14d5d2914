/* SPDX-License-Identifier: Apache-2.0 */
/* See program.h.  A process's pointer is guarded by p->lock. */
#include "kernel/proc/exec/program.h"

#include "kernel/elf/elf.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/exec/exec_impl.h"
#include "kernel/proc/process.h"
#include "lib/string.h"

/* As Linux: code is from the first to the last executable segment, data ends with the last of all. */
static void program_bounds(struct program *g, const struct elf_image *img, uint64_t bias)
{
    g->start_code = ~0UL;
    for (unsigned i = 0; i < img->nsegments; i++) {
        const struct elf_segment *s = &img->segment[i];
        uaddr_t start = s->vaddr + bias, end = start + s->filesz;
        if (s->prot & MM_EXEC) {
            g->start_code = MIN(g->start_code, start);
            g->end_code = MAX(g->end_code, end);
        }
        g->start_data = MAX(g->start_data, start);
        g->end_data = MAX(g->end_data, end);
    }
    if (!g->end_code)
        g->start_code = 0;
}

struct program *program_new(const struct elf_image *img, uint64_t bias,
                            const struct stack_layout *where, const char *stack, uaddr_t base)
{
    size_t strings = where->env_end - where->arg_start;
    struct program *g = kzalloc(sizeof(*g) + strings + where->auxv_len);
    if (!g)
        return NULL;
    ref_init(&g->ref);
    program_bounds(g, img, bias);
    g->start_stack = where->sp;
    g->arg_start = where->arg_start;
    g->arg_end = where->arg_end;
    g->env_start = where->env_start;
    g->env_end = where->env_end;
    g->auxv_start = where->auxv;
    g->auxv_len = where->auxv_len;
    memcpy(g->kept, stack + (where->arg_start - base), strings);
    memcpy(g->kept + strings, stack + (where->auxv - base), where->auxv_len);
    return g;
}

void program_put(struct program *g)
{
    if (g && ref_put(&g->ref))
        kfree(g);
}

struct program *process_program(struct process *p)
{
    spin_lock(&p->lock);
    struct program *g = p->program ? program_get(p->program) : NULL;
    spin_unlock(&p->lock);
    return g;
}

void process_set_program(struct process *p, struct program *g)
{
    spin_lock(&p->lock);
    struct program *old = p->program;
    p->program = g;
    spin_unlock(&p->lock);
    program_put(old);
}
