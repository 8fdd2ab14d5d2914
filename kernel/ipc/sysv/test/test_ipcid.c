/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of System V IPC: get rules, permissions, reuse of places with new numbers, limits. */
#include "kernel/vfs/test/stubs.h"

#include "kernel/ipc/sysv/ipcid.c"
#include "lib/tree.c"

struct thing {
    struct ipc_object object;
    int size;
};

static struct ipc_ids ids;
static struct cred *me = &stub_cred;
static unsigned limit = 32000;
static int made_by_another; /* while `make` runs, somebody adds this key; 0: nobody */

static unsigned thing_limit(void)
{
    return limit;
}

static int thing_make(const void *args, struct ipc_object **out);
static void thing_drop(struct ipc_object *o)
{
    kfree(o);
}

static int thing_check(const struct ipc_object *o, const void *args)
{
    return *(const int *)args > container_of(o, const struct thing, object)->size ? -EINVAL : 0;
}

static const struct ipc_kind kind = {
    .limit = thing_limit, .make = thing_make, .drop = thing_drop, .check = thing_check};

static long get(int key, int flags, int size)
{
    return ipc_get(&ids, &kind, key, flags, &size);
}

static int thing_make(const void *args, struct ipc_object **out)
{
    int key = made_by_another;
    struct thing *t = kzalloc(sizeof(*t));
    if (!t)
        return -ENOMEM;
    made_by_another = 0;
    if (key)
        assert_true(get(key, IPC_CREAT | 0600, 1) >= 0);
    t->size = *(const int *)args;
    *out = &t->object;
    return 0;
}

static void destroy(long id)
{
    spin_lock(&ids.lock);
    struct ipc_object *o = ipc_find_locked(&ids, (int)id);
    assert_non_null(o);
    ipc_remove_locked(&ids, o);
    spin_unlock(&ids.lock);
    kfree(o);
}

static struct ipc_object *find(long id)
{
    spin_lock(&ids.lock);
    struct ipc_object *o = ipc_find_locked(&ids, (int)id);
    spin_unlock(&ids.lock);
    return o;
}

static int setup(void **state)
{
    (void)state;
    ids = (struct ipc_ids)IPC_IDS_INIT;
    limit = 32000;
    *me = (struct cred){.uid = 7, .euid = 7, .gid = 8, .egid = 8, .fsgid = 8};
    return 0;
}

static int teardown(void **state)
{
    struct ipc_object *o;
    (void)state;
    for (unsigned n = 0; (o = ipc_next_locked(&ids, &n));)
        destroy(o->id);
    kfree(ids.at);
    assert_int_equal(ids.count, 0);
    assert_int_equal(stub_allocations, 0);
    return 0;
}

static void test_get(void **state)
{
    (void)state;
    assert_int_equal(get(5, 0600, 1), -ENOENT);
    long id = get(5, IPC_CREAT | 0600, 2);
    assert_true(id >= 0);
    assert_int_equal(get(5, 0600, 2), id);
    assert_int_equal(get(5, IPC_CREAT | 0600, 1), id);
    assert_int_equal(get(5, IPC_CREAT | IPC_EXCL | 0600, 1), -EEXIST);
    assert_int_equal(get(5, 0, 3), -EINVAL);
    assert_int_equal(get(-5, IPC_EXCL | 0600, 1), -ENOENT);
    long a = get(IPC_PRIVATE, 0600, 1), b = get(IPC_PRIVATE, IPC_CREAT | IPC_EXCL | 0600, 1);
    assert_true(a >= 0 && b >= 0 && a != b && a != id);
    destroy(id);
    assert_int_equal(get(5, 0600, 1), -ENOENT);
    assert_null(find(id));
    assert_non_null(find(a));
}

/* The key was taken while the object was made: there is one object, and the other is dropped. */
static void test_race(void **state)
{
    (void)state;
    made_by_another = 5;
    long id = get(5, IPC_CREAT | 0600, 1);
    assert_int_equal(get(5, 0, 1), id);
    assert_int_equal(ids.count, 1);
    made_by_another = 6;
    assert_int_equal(get(6, IPC_CREAT | IPC_EXCL | 0600, 1), -EEXIST);
    assert_int_equal(ids.count, 2);
}

static void test_permissions(void **state)
{
    (void)state;
    long id = get(5, IPC_CREAT | 0640, 1);
    struct ipc_object *o = find(id);
    struct ipc64_perm perm;
    assert_true(ipc_allowed(o, IPC_READ) && ipc_allowed(o, IPC_WRITE) && ipc_allowed(o, 0600));
    me->euid = 9; /* one of the group */
    assert_true(ipc_allowed(o, IPC_READ));
    assert_false(ipc_allowed(o, IPC_WRITE));
    assert_int_equal(get(5, 0440, 1), id);
    assert_int_equal(get(5, 0600, 1), -EACCES);
    assert_int_equal(ipc_may_change(o), -EPERM);
    me->fsgid = 1; /* anybody */
    assert_false(ipc_allowed(o, IPC_READ));
    assert_true(ipc_allowed(o, 0));
    me->effective = CAPS_ALL;
    assert_true(ipc_allowed(o, 0666));
    assert_int_equal(ipc_may_change(o), 0);
    ipc_perm_out(o, &perm);
    assert_int_equal(perm.key, 5);
    assert_int_equal(perm.mode, 0640);
    assert_int_equal(perm.cuid, 7);
    perm.uid = UINT32_MAX;
    assert_int_equal(ipc_perm_set(o, &perm), -EINVAL);
    perm.uid = 9;
    perm.mode = 01604;
    assert_int_equal(ipc_perm_set(o, &perm), 0);
    me->effective = 0;
    me->euid = 9; /* its owner now, beside its maker */
    assert_true(ipc_allowed(o, IPC_WRITE));
    assert_int_equal(o->mode, 0604);
    assert_int_equal(ipc_may_change(o), 0);
}

/* An id that was given back does not come again soon, though its place does. */
static void test_reuse(void **state)
{
    static bool seen[20000000];
    (void)state;
    for (int i = 0; i < 20000; i++) {
        long id = get(IPC_PRIVATE, 0600, 1);
        assert_in_range(id, 0, sizeof(seen) - 1);
        assert_false(seen[id]);
        seen[id] = true;
        assert_in_range(id & (IPC_PLACES - 1), 0, CYCLE_MIN - 1);
        destroy(id);
    }
    ids.sequence = SEQUENCES - 1; /* the number begins again and stays positive */
    ids.next = CYCLE_MIN;
    long id = get(IPC_PRIVATE, 0600, 1);
    assert_in_range(id, 0, CYCLE_MIN);
}

static void test_limits(void **state)
{
    static long id[IPC_PLACES];
    (void)state;
    limit = 3;
    for (int i = 0; i < 3; i++)
        assert_true((id[i] = get(i + 1, IPC_CREAT, 1)) >= 0);
    assert_int_equal(get(9, IPC_CREAT, 1), -ENOSPC);
    assert_int_equal(ipc_last_place_locked(&ids), 2);
    destroy(id[1]);
    assert_true(get(9, IPC_CREAT, 1) >= 0);
    limit = UINT32_MAX;
    while (ids.count < IPC_PLACES)
        assert_true(get(IPC_PRIVATE, 0, 1) >= 0);
    assert_int_equal(get(IPC_PRIVATE, 0, 1), -ENOSPC);
    assert_int_equal(ipc_last_place_locked(&ids), IPC_PLACES - 1);
    destroy(id[0]);
    assert_true((id[0] = get(IPC_PRIVATE, 0, 1)) >= 0);
    assert_int_equal(find(id[0])->id, id[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_get), T(test_race), T(test_permissions), T(test_reuse), T(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
