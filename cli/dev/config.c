/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The development enclave's constant configuration; in both `cella` and `cella-sign`.
 */
#include <stdlib.h>

#include "cli/dev/dev.h"
#include "cli/say.h"
#include "cli/settings.h"

void *dev_config(size_t *len)
{
    struct settings s;
    settings_init(&s);
    s.flags = CONFIG_F_DEV | CONFIG_F_DEBUG | CONFIG_F_HOST_ENTRY | CONFIG_F_HOST_ARGV |
              CONFIG_F_HOST_ENV | CONFIG_F_HOST_CWD | CONFIG_F_HOST_IDS | CONFIG_F_HOST_LOG |
              CONFIG_F_HOST_SIGNALS | CONFIG_F_HOST_EXEC;
    s.memory_size = 1UL << 38; /* the host lowers it to what the machine has */
    s.fds_limit = 1048576;
    settings_add_mount(&s, CONFIG_MOUNT_HOST, "/", "/");
    settings_add_mount(&s, CONFIG_MOUNT_PROC, "/proc", NULL);
    settings_add_mount(&s, CONFIG_MOUNT_DEV, "/dev", NULL);
    struct settings_hashes none;
    const char *why;
    void *blob = settings_write(&s, len, &none, &why);
    settings_fini(&s);
    if (blob)
        return blob;
    say_error("cannot make the development configuration: %s", why);
    exit(EXIT_CELLA);
}
