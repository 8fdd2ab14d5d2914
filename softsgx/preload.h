/* SPDX-License-Identifier: Apache-2.0 */
/* Inside libsoftsgx.so. */
#ifndef SOFTSGX_PRELOAD_H
#define SOFTSGX_PRELOAD_H

/* An ELF image like the given vDSO, which also has __vdso_sgx_enter_enclave (vdso.c). */
const void *vdso_image(const void *vdso);

#endif
