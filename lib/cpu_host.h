/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What host programs know of the CPU, asked for once at their start: a cpuid takes 20 us in a virtual
 * machine, and the C library has often asked already.
 */
#ifndef LIB_CPU_HOST_H
#define LIB_CPU_HOST_H

#include <stdint.h>

/* The answers to cpuid leaf 1 and leaf 7 (subleaf 0): eax, ebx, ecx, edx. */
extern uint32_t cpu_host_leaf1[4], cpu_host_leaf7[4];

#endif
