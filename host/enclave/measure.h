/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MRENCLAVE of a layout, as the CPU computes it (SDM volume 3: ECREATE, EADD, EEXTEND).
 */
#ifndef HOST_ENCLAVE_MEASURE_H
#define HOST_ENCLAVE_MEASURE_H

#include <stdint.h>

struct enclave_layout;

void layout_measure(const struct enclave_layout *l, uint8_t mrenclave[32]);

#endif
