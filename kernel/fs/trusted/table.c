/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration's file table: nodes, their names, targets of links (abi/config/config.h).  It is not measured.
 * Its leaf hashes are checked against the measured root at boot, and each leaf, copied into the enclave, when
 * something in it is first looked at: a program with thousands of trusted files opens a few.
 *
 * A leaf that does not match ends the enclave: what is asked for here has no way to fail, and a host that changes
 * the table can as well not run the enclave at all.
 *
 * Lock: table.lock, spin, innermost.
 */
#include "kernel/boot/args.h"
#include "kernel/fs/trusted/trusted_impl.h"
#include "kernel/ocall/hostmem.h"
#include "kernel/sched/lock.h"

static struct {
    struct spinlock lock;
    haddr_t host;                        /* [I] */
    size_t len;                          /* [I] */
    uint8_t (*hashes)[CONFIG_HASH_SIZE]; /* [I] checked */
    char *bytes;                         /* [I] the table … */
    bool *there; /* [a] … of which these leaves are there; set under lock */
} table;

static void leaf_bring_in(size_t leaf)
{
    size_t off = leaf * CONFIG_LEAF_SIZE, n = MIN(table.len - off, (size_t)CONFIG_LEAF_SIZE);
    uint8_t hash[CONFIG_HASH_SIZE];

    spin_lock(&table.lock);
    if (!table.there[leaf]) {
        host_in(table.bytes + off, table.host + off, n);
        sha256_hash(table.bytes + off, n, hash);
        if (!crypto_equal(hash, table.hashes[leaf], sizeof(hash)))
            panic("the bundle's table of files has changed since it was signed (at byte %zu)", off);
        __atomic_store_n(&table.there[leaf], true, __ATOMIC_RELEASE);
    }
    spin_unlock(&table.lock);
}

static void table_need(const struct config *c, uint64_t off, uint64_t len)
{
    uint64_t start = off - c->head->table_off;

    if (off < c->head->table_off || start > table.len || len > table.len - start || !len)
        panic("the configuration's table of files points outside itself");
    for (size_t leaf = start / CONFIG_LEAF_SIZE; leaf * CONFIG_LEAF_SIZE < start + len; leaf++)
        if (unlikely(!__atomic_load_n(&table.there[leaf], __ATOMIC_ACQUIRE)))
            leaf_bring_in(leaf);
}

/* The leaf hashes, as leaves_load (verify.c) does it for a file. */
static int hashes_load(const struct config_header *h, size_t leaves)
{
    const struct boot_args *a = kernel.boot_args;
    size_t bytes = leaves * CONFIG_HASH_SIZE;
    uint8_t root[SHA256_HASH_SIZE];

    table.hashes = kmalloc(bytes);
    if (!table.hashes)
        return -ENOMEM;
    if (bytes > a->side_len || h->table_hashes > a->side_len - bytes)
        return -EIO;
    host_in(table.hashes, a->side + h->table_hashes, bytes);
    sha256_hash(table.hashes, bytes, root);
    return crypto_equal(root, h->table_root, sizeof(root)) ? 0 : -EIO;
}

int trusted_table_open(struct config *c)
{
    const struct boot_args *a = kernel.boot_args;
    size_t len = config_table_len(c), leaves = config_leaf_count(len);
    int err;

    if (!len)
        return 0;
    table.host = a->table;
    table.len = len;
    table.bytes = kpages_alloc(leaves);
    table.there = kzalloc(leaves * sizeof(*table.there));
    err = table.bytes && table.there ? hashes_load(c->head, leaves) : -ENOMEM;
    if (!err && a->table_len != len)
        err = -EIO;
    if (err == -EIO)
        log_warn("the bundle's table of files is damaged; sign the manifest again");
    else if (err)
        log_warn("no memory for the table of files; raise sgx.enclave_size or --memory");
    else
        config_set_table(c, table.bytes, table_need);
    return err;
}
