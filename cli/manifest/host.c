/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the table "cella": what the host may do while the enclave runs. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/manifest/manifest_impl.h"
#include "cli/manifest/path.h"

bool manifest_host_signals(struct manifest *m, void *target, const char *path,
                           const struct toml_value *v)
{
    static const struct {
        const char *name;
        int number;
    } known[] = {
        {"SIGHUP", SIGHUP},   {"SIGINT", SIGINT},     {"SIGQUIT", SIGQUIT}, {"SIGUSR1", SIGUSR1},
        {"SIGUSR2", SIGUSR2}, {"SIGALRM", SIGALRM},   {"SIGTERM", SIGTERM}, {"SIGCONT", SIGCONT},
        {"SIGTSTP", SIGTSTP}, {"SIGWINCH", SIGWINCH},
    };
    (void)target;
    if (!schema_is(m, path, v, TOML_ARRAY))
        return false;
    for (size_t i = 0; i < v->array.count; i++) {
        const char *name = schema_text(m, path, v->array.items[i]);
        size_t k = 0;
        if (!name)
            return false;
        while (k < sizeof known / sizeof known[0] && strcmp(known[k].name, name) != 0)
            k++;
        if (k == sizeof known / sizeof known[0])
            return manifest_fail(m, v->array.items[i]->place,
                                 "%s: \"%.80s\" cannot be let in; write SIGHUP, SIGINT, SIGQUIT, "
                                 "SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGCONT, SIGTSTP or SIGWINCH",
                                 path, name);
        m->settings.host_signals |= 1UL << (known[k].number - 1);
    }
    return true;
}

/* "none", "any", or the paths of programs. */
bool manifest_exec(struct manifest *m, void *target, const char *path, const struct toml_value *v)
{
    static const char *const words[] = {"none", "any", NULL};
    (void)target;
    if (v->kind != TOML_ARRAY) {
        int i = schema_word(m, path, v, words);
        if (i == 1) {
            m->settings.flags |= CONFIG_F_HOST_EXEC;
            manifest_insecure(m, path);
        }
        return i >= 0;
    }
    for (size_t i = 0; i < v->array.count; i++) {
        const struct toml_value *item = v->array.items[i];
        const char *text = schema_text(m, path, item);
        if (!text)
            return false;
        if (text[0] != '/' || strlen(text) > CONFIG_PATH_MAX)
            return manifest_fail(m, item->place,
                                 "%s: \"%.80s\" is no absolute path; write where the program lies "
                                 "inside the enclave",
                                 path, text);
        char *program = path_normal("/", text);
        settings_add_exec(&m->settings, program);
        free(program);
    }
    return true;
}
