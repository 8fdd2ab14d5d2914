/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: a flat binary that `cella sign` compiles from a manifest.  All but the file table at
 * its end is measured: the enclave maps that as read-only pages right after struct enclave_params.
 *
 * It holds data only.  Every reference is an offset from the start of the blob, so that the blob
 * is the same wherever it lies; everything is little-endian; every array starts at a multiple of
 * 8; reserved fields are zero.  The whole blob is `total` bytes; the measured part of it is `table_off`
 * bytes, which struct enclave_params repeats.  lib/config.c holds the validator (config_check) and the accessors; nothing else
 * should take the blob apart.  A change of meaning raises CONFIG_VERSION.
 *
 * Strings: a config_str is an offset and a length; the byte after the string is NUL and no byte
 * inside is.  off == 0 (the header lies there) means "absent" and goes with len == 0.
 *
 * Files.  The file table, from table_off to the end, is the node table with all the strings that it
 * refers to; nothing else refers into it.  Measuring it would cost every start time in proportion to the
 * number of files, of which a program opens a few.  So it is treated as the contents of a trusted file are
 * (below): its leaf hashes lie in the side data at table_hashes, table_root is measured, and the enclave
 * checks a leaf when something in it is first looked at.
 *
 * The node table is a tree in breadth-first order.  Node 0 is "/", the children of a node
 * are the nodes [first, first + count), sorted by name as unsigned bytes, and the ranges of all
 * nodes with children, taken in index order, tile [1, n) exactly.  A path is found by one binary
 * search a component; a directory listing is a range; an index is a stable inode number.
 * Paths are those seen inside the enclave; the host file behind one is found through the mounts.
 *
 *   NODE_DIR   a directory that consists of its children and nothing else
 *   NODE_REG   a trusted file: size, mode, mtime and root are measured
 *   NODE_LNK   a symbolic link in a trusted directory, with its target
 *   NODE_HOST  an allowed file or directory: it and all below come from the host, unverified;
 *              children in the table (trusted files inside an allowed directory) win over the
 *              host's
 *
 * The hash of a trusted file.  The file is cut into leaves of CONFIG_LEAF_SIZE bytes, the last one
 * short; h[i] = SHA-256(leaf i); root = SHA-256(h[0] | h[1] | … | h[n-1]); an empty file has no
 * leaves and root = SHA-256("").  The array h lies in the bundle's side data at byte offset `data`,
 * is not measured, and is checked against root when the file is opened.  Leaves and root need no
 * prefix bytes that keep them apart: the depth is always two and the size, which fixes the number
 * of leaves, is measured beside the root, so that no leaf can pass for a root or the reverse.
 */
#ifndef ABI_CONFIG_CONFIG_H
#define ABI_CONFIG_CONFIG_H

#include <stdint.h>

#define CONFIG_MAGIC 0x31464e4f434c4543UL /* "CELCONF1" */
#define CONFIG_VERSION 2
#define CONFIG_SIZE_MAX 0x09fff000UL /* VCPU_OFF - CONFIG_OFF - one page, abi/host/layout.h */
#define CONFIG_LEAF_SIZE 4096
#define CONFIG_HASH_SIZE 32
#define CONFIG_NAME_MAX 255  /* one path component */
#define CONFIG_PATH_MAX 4095 /* a whole path */

struct config_str {
    uint32_t off;
    uint32_t len;
};

struct config_array {
    uint32_t off;
    uint32_t count;
};

/* config_header.flags */
#define CONFIG_F_DEV (1ULL << 0)          /* development enclave: nothing on disk is verified */
#define CONFIG_F_DEBUG (1ULL << 1)        /* signed as a debug enclave */
#define CONFIG_F_HOST_ENTRY (1ULL << 2)   /* the host names the program */
#define CONFIG_F_HOST_ARGV (1ULL << 3)    /* the host gives the arguments */
#define CONFIG_F_HOST_ENV (1ULL << 4)     /* the host's whole environment is passed */
#define CONFIG_F_HOST_CWD (1ULL << 5)     /* the host names the working directory */
#define CONFIG_F_HOST_IDS (1ULL << 6)     /* the host names uid and gid */
#define CONFIG_F_HOST_LOG (1ULL << 7)     /* log and trace may leave the enclave */
#define CONFIG_F_HOST_SIGNALS (1ULL << 8) /* every host signal may be injected */
#define CONFIG_F_HOST_SIGTERM (1ULL << 9) /* one host SIGTERM may be injected */
#define CONFIG_F_NO_ASLR (1ULL << 10)
#define CONFIG_F_NO_FORK (1ULL << 11)   /* process creation fails with EAGAIN */
#define CONFIG_F_HOST_EXEC (1ULL << 12) /* the host may start any program beside the first */
#define CONFIG_F_MASK ((1ULL << 13) - 1)

/* Signals that can be let in: HUP INT QUIT USR1 USR2 ALRM TERM CONT TSTP WINCH. */
#define CONFIG_HOST_SIGNALS                                                                      \
    (1UL << 0 | 1UL << 1 | 1UL << 2 | 1UL << 9 | 1UL << 11 | 1UL << 13 | 1UL << 14 | 1UL << 17 | \
     1UL << 19 | 1UL << 27)

enum config_file_policy {
    CONFIG_FILES_STRICT = 0, /* a file that is neither trusted nor allowed is refused */
    CONFIG_FILES_LOG = 1,    /* it is served from the host, and logged (a porting aid) */
};

struct config_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_size; /* sizeof(struct config_header) */
    uint64_t total;       /* bytes in the blob */
    uint64_t flags;       /* CONFIG_F_* */

    uint64_t memory_size; /* limit of the enclave's memory in bytes, multiple of 4 KiB */
    uint64_t stack_size;  /* a thread's and the main stack's default, multiple of 4 KiB */
    uint64_t brk_max;     /* the program break's room, multiple of 4 KiB */
    uint32_t vcpu_count;  /* at most VCPU_MAX; 0: as many as the host has CPUs */
    uint32_t elrange_bits;
    uint32_t ssa_frame_pages; /* 1 … 6; 3 hold every feature up to AMX, 1 everything but AMX */
    uint32_t fds_limit;       /* RLIMIT_NOFILE */
    uint32_t uid;
    uint32_t gid;
    uint32_t file_policy; /* enum config_file_policy */
    uint32_t log_level;   /* 0 none, 1 error, 2 warning, 3 debug, 4 trace, 5 all */

    struct config_str entrypoint; /* absolute path; absent with CONFIG_F_HOST_ENTRY */
    struct config_str start_dir;  /* absolute path; absent with CONFIG_F_HOST_CWD */
    struct config_array args;     /* struct config_str; empty with CONFIG_F_HOST_ARGV */
    struct config_array env;      /* struct config_env, sorted by name, no name twice */
    struct config_array mounts;   /* struct config_mount, in mounting order, the first is "/" */
    struct config_array nodes;    /* struct config_node; empty: no file is verified */
    uint64_t leaves_len;          /* bytes of side data: leaf hashes of files and of the table */
    uint64_t host_signals;        /* bit n-1: the host may inject signal n; CONFIG_HOST_SIGNALS */
    struct config_array exec;     /* struct config_str, absolute paths: programs that the host may
                                   * start beside the first; empty with CONFIG_F_HOST_EXEC */
    uint64_t
        table_off; /* of the file table, a multiple of CONFIG_LEAF_SIZE; `total` if there is none */
    uint64_t table_hashes; /* offset of its leaf hashes in the side data; 0 if there is none */
    uint8_t table_root[CONFIG_HASH_SIZE];
};

enum config_env_kind {
    CONFIG_ENV_SET = 1,  /* value is the configuration's */
    CONFIG_ENV_HOST = 2, /* the host may give a value; absent if it does not */
};

struct config_env {
    struct config_str name; /* not empty, no '=' */
    struct config_str value;
    uint32_t kind;
    uint32_t reserved;
};

enum config_mount_kind {
    CONFIG_MOUNT_HOST = 1,    /* everything below `source` on the host, unverified */
    CONFIG_MOUNT_TRUSTED = 2, /* what the node table lists, taken from below `source` */
    CONFIG_MOUNT_TMPFS = 3,
    CONFIG_MOUNT_DEV = 4,
    CONFIG_MOUNT_PROC = 5,
    /* reserved for later; config_check refuses them */
    CONFIG_MOUNT_SYS = 6,
    CONFIG_MOUNT_ENCRYPTED = 7,
    CONFIG_MOUNT_SEALED = 8,
    CONFIG_MOUNT_OVERLAY = 9,
    CONFIG_MOUNT_HOST_SHM = 10,
};

struct config_mount {
    uint32_t kind;          /* enum config_mount_kind */
    uint32_t flags;         /* zero for now */
    struct config_str path; /* absolute, normalised, no trailing slash except "/" */
    struct config_str
        source; /* host path, for HOST and TRUSTED; relative ones start at the bundle's
                               * base directory, which is the host process's working directory */
    struct config_str key_name; /* absent for now */
};

enum config_node_kind {
    CONFIG_NODE_DIR = 1,
    CONFIG_NODE_REG = 2,
    CONFIG_NODE_LNK = 3,
    CONFIG_NODE_HOST = 4,
};

struct config_node {
    struct config_str name; /* one component; absent for node 0 */
    uint32_t parent;        /* index; 0 for node 0 */
    uint16_t kind;          /* enum config_node_kind */
    uint16_t mode;          /* permission bits 07777 */
    uint32_t first;         /* first child, 0 if none */
    uint32_t count;         /* number of children */
    uint64_t size;          /* REG: bytes; LNK: length of the target; else 0 */
    int64_t mtime;          /* seconds since the epoch */
    uint64_t data;          /* REG: offset of the leaf hashes; LNK: offset of the target string in
                             * the blob (NUL-terminated); else 0 */
    uint8_t root[CONFIG_HASH_SIZE]; /* REG; else zero */
};

_Static_assert(sizeof(struct config_header) == 208, "config_header");
_Static_assert(sizeof(struct config_env) == 24, "config_env");
_Static_assert(sizeof(struct config_mount) == 32, "config_mount");
_Static_assert(sizeof(struct config_node) == 80, "config_node");

#endif
