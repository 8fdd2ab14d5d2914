/* SPDX-License-Identifier: Apache-2.0 */
/* What test_enclave.c and its enclave agree on. */
#define CMD_NOP 0
#define CMD_SYSCALL 1
#define CMD_ACCEPT 2
#define CMD_WRITE 3
#define CMD_SPIN 4
#define CMD_HAMMER 5
#define CMD_LEAF 6
#define CMD_RAW_LEAF 7
#define CMD_CPUID 8
#define CMD_BASES 9
#define CMD_SUM 10
#define CMD_COUNT 11

/* Offsets from GS. */
#define GS_HOST_RSP 0
#define GS_RETURN 8
#define GS_STACK 16
#define GS_SSA0_GPRS 24
#define GS_TICKS 32
#define GS_VECTOR 40
#define GS_DECCSSA 48 /* non-zero: the handler drops the frame by EDECCSSA */
#define GS_OPERANDS 1024
#define SSA_FRAME_SIZE 0x4000
