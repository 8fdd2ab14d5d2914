/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest compiler on arbitrary text: TOML, keys, and the configuration that results, which
 * must be valid or be refused.
 */
#include <stdint.h>
#include <stdlib.h>

#include "cli/manifest/manifest.h"
#include "cli/manifest/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest m;
    if (manifest_parse(&m, "m", (const char *)data, size)) {
        size_t len;
        const char *why;
        m.settings.files = tree_new();
        struct settings_hashes hashes;
        free(settings_write(&m.settings, &len, &hashes, &why));
        free(hashes.data);
    } else if (!m.error[0]) {
        abort(); /* every mistake has its line */
    }
    manifest_fini(&m);
    return 0;
}
