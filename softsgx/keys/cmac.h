/* SPDX-License-Identifier: Apache-2.0 */
/* AES-128-CMAC. */
#ifndef SOFTSGX_KEYS_CMAC_H
#define SOFTSGX_KEYS_CMAC_H

#include <stddef.h>
#include <stdint.h>

void cmac(const uint8_t key[16], const void *data, size_t len, uint8_t out[16]);

#endif
