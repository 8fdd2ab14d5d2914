/* SPDX-License-Identifier: Apache-2.0 */
/* What a root process begins with: see given.h. */
#include "kernel/proc/root/given.h"

#include <linux/errno.h>

#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/exec/strings.h"
#include "lib/config.h"
#include "lib/string.h"

const char *given_program(const struct given *g)
{
    const struct config *c = kernel.config;
    const char *path = g->program;

    if (g->first && !config_flag(c, CONFIG_F_HOST_ENTRY))
        path = config_string(c, c->head->entrypoint);
    return path && path[0] ? path : NULL;
}

const char *given_cwd(const struct given *g)
{
    const struct config *c = kernel.config;
    const char *dir = config_string(c, c->head->start_dir);

    if (config_flag(c, CONFIG_F_HOST_CWD))
        dir = g->cwd;
    return dir && dir[0] ? dir : "/";
}

static int add_string(struct strings *s, const char *text)
{
    return strings_add(s, text, strlen(text));
}

/* The configuration's arguments are for its own program. */
int given_argv(const struct given *g, const char *path, struct strings *out)
{
    const struct config *c = kernel.config;
    int err = 0;

    if (config_flag(c, CONFIG_F_HOST_ARGV)) {
        for (char *const *v = g->argv; !err && *v; v++)
            err = add_string(out, *v);
    } else {
        for (uint32_t i = 0; g->first && !err && i < c->head->args.count; i++) {
            const char *arg = config_string(c, c->args[i]);
            err = add_string(out, arg ? arg : "");
        }
    }
    if (!err && out->n == 0)
        err = add_string(out, path);
    return err;
}

/* The length of NAME in "NAME=value", 0 when it is no assignment. */
static size_t name_len(const char *env)
{
    const char *eq = strchr(env, '=');
    return eq ? (size_t)(eq - env) : 0;
}

static bool env_named(const char *env, const char *name)
{
    size_t n = name_len(env);
    return n && strlen(name) == n && memcmp(env, name, n) == 0;
}

/* NULL when the host gave none. */
static const char *host_env(const struct given *g, const char *name)
{
    for (char *const *v = g->envp; *v; v++)
        if (env_named(*v, name))
            return *v;
    return NULL;
}

static int add_assignment(struct strings *s, const char *name, const char *value)
{
    size_t n = strlen(name), m = strlen(value);
    char *text = kmalloc(n + m + 2);
    if (!text)
        return -ENOMEM;
    memcpy(text, name, n);
    text[n] = '=';
    memcpy(text + n + 1, value, m + 1);
    int err = strings_add(s, text, n + 1 + m);
    kfree(text);
    return err;
}

static bool config_has_env(const struct config *c, const char *env)
{
    for (uint32_t i = 0; i < c->head->env.count; i++)
        if (env_named(env, config_string(c, c->env[i].name)))
            return true;
    return false;
}

int given_env(const struct given *g, struct strings *out)
{
    const struct config *c = kernel.config;
    int err = strings_copy_in(out, 0, 0); /* an empty vector */

    if (config_flag(c, CONFIG_F_HOST_ENV))
        for (char *const *v = g->envp; !err && *v; v++)
            if (!config_has_env(c, *v))
                err = add_string(out, *v);
    for (uint32_t i = 0; !err && i < c->head->env.count; i++) {
        const struct config_env *e = &c->env[i];
        const char *name = config_string(c, e->name);
        if (e->kind == CONFIG_ENV_SET) {
            const char *value = config_string(c, e->value);
            err = add_assignment(out, name, value ? value : "");
        } else if (host_env(g, name)) {
            err = add_string(out, host_env(g, name));
        }
    }
    return err;
}
