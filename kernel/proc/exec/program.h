/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process was started with, as its exec left it: where things lie in its memory, and copies of what lies
 * there.  Nobody may look into the memory of another process (it may not even be resident), so /proc shows
 * others these copies.  Immutable and counted: fork shares it, exec puts another in its place.
 */
#ifndef KERNEL_PROC_EXEC_PROGRAM_H
#define KERNEL_PROC_EXEC_PROGRAM_H

#include "kernel/sched/lock.h"
#include "kernel/types.h"

struct elf_image;
struct process;
struct stack_layout;

struct program {
    struct ref ref;
    uaddr_t start_code, end_code, start_data,
        end_data;        /* of the program's file, not its interpreter's */
    uaddr_t start_stack; /* the first stack pointer */
    uaddr_t arg_start, arg_end, env_start,
        env_end; /* the arguments' strings, then the environment's */
    uaddr_t auxv_start;
    size_t auxv_len;
    char kept[]; /* the bytes of [arg_start, env_end), then those of the auxiliary vector */
};

/* Of a stack image whose first byte lies at `base`; a reference, or NULL: no memory. */
struct program *program_new(const struct elf_image *img, uint64_t bias,
                            const struct stack_layout *where, const char *stack,
                            uaddr_t base) MUST_CHECK;
static inline struct program *program_get(struct program *g)
{
    ref_get(&g->ref);
    return g;
}
void program_put(struct program *g); /* NULL is fine */
/* A reference, or NULL: it was never started, or it has ended. */
struct program *process_program(struct process *p) MUST_CHECK;
/* Gives p another one, whose reference goes to p; g may be NULL. */
void process_set_program(struct process *p, struct program *g);

static inline const char *program_args(const struct program *g)
{
    return g->kept;
}
static inline const char *program_environ(const struct program *g)
{
    return g->kept + (g->env_start - g->arg_start);
}
static inline const char *program_auxv(const struct program *g)
{
    return g->kept + (g->env_end - g->arg_start);
}

#endif
