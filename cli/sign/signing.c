/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills in a SIGSTRUCT.  A feature of the processor that the manifest neither requires nor
 * forbids is left out of the mask, so that one signature fits machines that differ in it; features
 * that Cella does not know are forbidden, since its SSA frames might be too small for them.
 */
#include "cli/sign/signing.h"

#include <string.h>

#include "cli/paths.h"
#include "cli/say.h"
#include "cli/sign/key.h"
#include "host/enclave/layout.h"
#include "host/enclave/measure.h"
#include "lib/config.h"

static bool measure(const struct kernel_file *k, const void *config, size_t config_len,
                    uint8_t mrenclave[32])
{
    struct config c;
    struct enclave_layout l;
    const char *why;
    if (config_check(&c, config, config_len, &why)) {
        say_error("bad configuration: %s", why);
        return false;
    }
    if (layout_init(&l, &k->img, &c, &why)) {
        say_error("%s: %s", k->path, why);
        return false;
    }
    layout_measure(&l, mrenclave);
    layout_fini(&l);
    return true;
}

bool signing_make(const struct sign_data *in, const struct kernel_file *k, const void *config,
                  size_t config_len, EVP_PKEY *key, struct sigstruct *out)
{
    sigstruct_init(out);
    out->date = in->date;
    out->isvprodid = in->isvprodid;
    out->isvsvn = in->isvsvn;
    out->flags = SGX_ATTR_MODE64 | (in->debug ? SGX_ATTR_DEBUG : 0);
    out->flags_mask = ~0UL;
    out->xfrm = SGX_XFRM_LEGACY | in->xfrm_required;
    out->xfrm_mask = ~in->xfrm_free | out->xfrm;
    out->miscselect = in->misc;
    out->miscmask = in->misc;
    return measure(k, config, config_len, out->mrenclave) && key_sign(key, out);
}
