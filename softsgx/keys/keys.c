/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and reports.  As on hardware, a key is a MAC over everything that it depends on, under a
 * secret of the machine; here the secret comes from the root key file.  The exact layout of the
 * MACed structure is not architectural: only the machine that made a key can make it again.
 */
#include "softsgx/keys/keys.h"
#include "softsgx/driver/driver.h"
#include "softsgx/enclu.h"
#include "softsgx/keys/cmac.h"

#include <string.h>

const uint8_t softsgx_cpusvn[16] = {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

/* Attributes that cannot be masked out of a key (SDM, EGETKEY). */
#define ATTR_FORCED (ATTR_INIT | ATTR_DEBUG)

void key_derive(const uint8_t root[32], const struct key_dependencies *d, uint8_t key[16])
{
    struct key_dependencies full = *d;
    cmac(root + 16, "owner epoch", 11, full.owner_epoch);
    cmac(root, &full, sizeof(full), key);
}

void report_key(const uint8_t root[32], const struct targetinfo *target, const uint8_t keyid[32],
                uint8_t key[16])
{
    struct key_dependencies d = {
        .keyname = KEY_REPORT,
        .attributes = target->attributes,
        .miscselect = target->miscselect,
        .config_svn = target->config_svn,
    };
    memcpy(d.mrenclave, target->measurement, 32);
    memcpy(d.config_id, target->config_id, 64);
    memcpy(d.keyid, keyid, 32);
    memcpy(d.cpusvn, softsgx_cpusvn, 16);
    key_derive(root, &d, key);
}

/* True if a's security version is beyond what this CPU runs: each byte is a component. */
static bool cpusvn_beyond(const uint8_t a[16])
{
    for (int i = 0; i < 16; i++)
        if (a[i] > softsgx_cpusvn[i])
            return true;
    return false;
}

static bool request_valid(const struct encl *e, const struct keyrequest *req)
{
    uint8_t any = req->reserved1 | req->cet_attributes_mask;
    for (size_t i = 0; i < sizeof(req->reserved2); i++)
        any |= req->reserved2[i];
    uint16_t known = KEYPOLICY_MRENCLAVE | KEYPOLICY_MRSIGNER;
    if (e->secs.attributes.flags & ATTR_KSS)
        known |= KEYPOLICY_KSS;
    return !any && !(req->keypolicy & ~known);
}

static int versions_check(const struct encl *e, const struct keyrequest *req, bool isv)
{
    if (cpusvn_beyond(req->cpusvn))
        return SGX_INVALID_CPUSVN;
    if (isv && req->isv_svn > e->secs.isv_svn)
        return SGX_INVALID_ISVSVN;
    return 0;
}

/* SEAL and PROVISION_SEAL: identities as the policy says. */
static void policy_apply(const struct encl *e, const struct keyrequest *req,
                         struct key_dependencies *d)
{
    const struct secs *s = &e->secs;
    d->keypolicy = req->keypolicy;
    if (!(req->keypolicy & KEYPOLICY_NOISVPRODID))
        d->isv_prod_id = s->isv_prod_id;
    if (req->keypolicy & KEYPOLICY_MRENCLAVE)
        memcpy(d->mrenclave, s->mrenclave, 32);
    if (req->keypolicy & KEYPOLICY_MRSIGNER)
        memcpy(d->mrsigner, s->mrsigner, 32);
    if (req->keypolicy & KEYPOLICY_ISVFAMILYID)
        memcpy(d->isv_family_id, e->isv_family_id, 16);
    if (req->keypolicy & KEYPOLICY_ISVEXTPRODID)
        memcpy(d->isv_ext_prod_id, e->isv_ext_prod_id, 16);
    if (req->keypolicy & KEYPOLICY_CONFIGID) {
        memcpy(d->config_id, s->config_id, 64);
        d->config_svn = req->config_svn;
    }
}

static void seal_like(const struct encl *e, const struct keyrequest *req,
                      struct key_dependencies *d)
{
    const struct secs *s = &e->secs;
    uint64_t flags = req->attribute_mask.flags | ATTR_FORCED;
    d->attributes.flags = s->attributes.flags & flags;
    d->attributes.xfrm = s->attributes.xfrm & req->attribute_mask.xfrm;
    d->attribute_mask = req->attribute_mask;
    d->miscselect = s->miscselect & req->miscmask;
    d->miscmask = req->miscmask;
    d->isv_svn = req->isv_svn;
    memcpy(d->cpusvn, req->cpusvn, 16);
}

static int seal_dependencies(const struct encl *e, const struct keyrequest *req,
                             struct key_dependencies *d)
{
    int err = versions_check(e, req, true);
    if (err)
        return err;
    if ((req->keypolicy & KEYPOLICY_CONFIGID) && req->config_svn > e->secs.config_svn)
        return SGX_INVALID_ISVSVN;
    seal_like(e, req, d);
    policy_apply(e, req, d);
    memcpy(d->keyid, req->keyid, 32);
    return 0;
}

static int provision_dependencies(const struct encl *e, const struct keyrequest *req,
                                  struct key_dependencies *d)
{
    if (!(e->secs.attributes.flags & ATTR_PROVISION_KEY))
        return SGX_INVALID_ATTRIBUTE;
    int err = versions_check(e, req, true);
    if (err)
        return err;
    seal_like(e, req, d);
    if (req->keyname == KEY_PROVISION_SEAL)
        policy_apply(e, req, d);
    d->isv_prod_id = e->secs.isv_prod_id;
    memcpy(d->mrsigner, e->secs.mrsigner, 32);
    return 0;
}

static int token_dependencies(const struct encl *e, const struct keyrequest *req,
                              struct key_dependencies *d)
{
    if (!(e->secs.attributes.flags & ATTR_EINITTOKEN_KEY))
        return SGX_INVALID_ATTRIBUTE;
    int err = versions_check(e, req, true);
    if (err)
        return err;
    seal_like(e, req, d);
    d->isv_prod_id = e->secs.isv_prod_id;
    memcpy(d->mrsigner, e->secs.mrsigner, 32);
    memcpy(d->keyid, req->keyid, 32);
    return 0;
}

static void self_target(const struct encl *e, struct targetinfo *t)
{
    memset(t, 0, sizeof(*t));
    memcpy(t->measurement, e->secs.mrenclave, 32);
    t->attributes = e->secs.attributes;
    t->miscselect = e->secs.miscselect;
    t->config_svn = e->secs.config_svn;
    memcpy(t->config_id, e->secs.config_id, 64);
}

int key_get(const struct encl *e, const uint8_t root[32], const struct keyrequest *req,
            uint8_t key[16])
{
    struct key_dependencies d = {.keyname = req->keyname};
    struct targetinfo self;
    int err;
    if (!request_valid(e, req))
        return -1;
    switch (req->keyname) {
    case KEY_SEAL: err = seal_dependencies(e, req, &d); break;
    case KEY_REPORT:
        self_target(e, &self);
        report_key(root, &self, req->keyid, key);
        return 0;
    case KEY_PROVISION:
    case KEY_PROVISION_SEAL: err = provision_dependencies(e, req, &d); break;
    case KEY_EINITTOKEN: err = token_dependencies(e, req, &d); break;
    default: return SGX_INVALID_KEYNAME;
    }
    if (!err)
        key_derive(root, &d, key);
    return err;
}

void report_make(const struct encl *e, const uint8_t root[32], const struct targetinfo *target,
                 const uint8_t reportdata[64], struct report *out)
{
    const struct secs *s = &e->secs;
    uint8_t key[16];
    memset(out, 0, sizeof(*out));
    memcpy(out->cpusvn, softsgx_cpusvn, 16);
    out->miscselect = s->miscselect;
    memcpy(out->isv_ext_prod_id, e->isv_ext_prod_id, 16);
    out->attributes = s->attributes;
    memcpy(out->mrenclave, s->mrenclave, 32);
    memcpy(out->mrsigner, s->mrsigner, 32);
    memcpy(out->config_id, s->config_id, 64);
    out->isv_prod_id = s->isv_prod_id;
    out->isv_svn = s->isv_svn;
    out->config_svn = s->config_svn;
    memcpy(out->isv_family_id, e->isv_family_id, 16);
    memcpy(out->reportdata, reportdata, 64);
    /* CR_REPORT_KEYID: fixed for the life of the machine's secret. */
    cmac(root + 16, "report key id", 13, out->keyid);
    report_key(root, target, out->keyid, key);
    cmac(key, out, offsetof(struct report, keyid), out->mac);
}

static bool target_valid(const struct targetinfo *t)
{
    uint8_t any = t->reserved1 | t->cet_attributes;
    for (size_t i = 0; i < sizeof(t->reserved2); i++)
        any |= t->reserved2[i];
    for (size_t i = 0; i < sizeof(t->reserved3); i++)
        any |= t->reserved3[i];
    return !any;
}

struct fault leaf_ereport(struct encl *e, struct leaf_regs *r)
{
    struct targetinfo target;
    uint8_t data[64];
    struct report report;
    struct fault f = operand_read(e, &target, r->rbx, sizeof(target), 512);
    if (!f.code)
        f = operand_read(e, data, r->rcx, sizeof(data), 128);
    if (!f.code && r->rdx % 512)
        f = FAULT_GP;
    if (!f.code && !target_valid(&target))
        f = FAULT_GP;
    if (f.code)
        return f;
    report_make(e, rootkey(), &target, data, &report);
    return operand_write(e, r->rdx, &report, sizeof(report), 512);
}

struct fault leaf_egetkey(struct encl *e, struct leaf_regs *r)
{
    struct keyrequest req;
    uint8_t key[16];
    struct fault f = operand_read(e, &req, r->rbx, sizeof(req), 512);
    if (!f.code && r->rcx % 16)
        f = FAULT_GP;
    if (f.code)
        return f;
    int err = key_get(e, rootkey(), &req, key);
    if (err < 0)
        return FAULT_GP;
    if (!err)
        f = operand_write(e, r->rcx, key, sizeof(key), 16);
    if (!f.code)
        leaf_result(r, (enum sgx_error)err);
    return f;
}
