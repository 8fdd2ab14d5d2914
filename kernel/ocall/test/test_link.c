/* SPDX-License-Identifier: Apache-2.0 */
/* Links and a host that answers anything: what comes out is a length within what was asked, or an errno. */
#include "kernel/mm/test/stubs.h"

#include "kernel/ocall/link.c"

static int64_t answer; /* the host's, to whatever it is asked */
static enum ocall_nr asked;
static uint64_t args[3];

int64_t host_call_quiet(enum ocall_nr nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                        uint64_t a4, uint64_t a5)
{
    assert_int_equal(a3 | a4 | a5, 0);
    asked = nr;
    args[0] = a0, args[1] = a1, args[2] = a2;
    return answer;
}

int64_t host_call(enum ocall_nr nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                  uint64_t a5)
{
    return host_call_quiet(nr, a0, a1, a2, a3, a4, a5);
}

int64_t host_result(int64_t ret, int64_t max)
{
    if (ret >= 0)
        return ret <= max ? ret : -EIO;
    return ret >= -4095 ? ret : -EIO;
}

/* All of a message is sent, or none of it. */
static void test_send(void **state)
{
    static const struct {
        int64_t answer;
        int want;
    } cases[] = {{100, 0},           {99, -EIO},       {0, -EIO},         {101, -EIO},
                 {-EAGAIN, -EAGAIN}, {-EPIPE, -EPIPE}, {INT64_MIN, -EIO}, {INT64_MAX, -EIO}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        answer = cases[i].answer;
        assert_int_equal(ocall_link_send(7, 0x5000, 100), cases[i].want);
        assert_int_equal(asked, OCALL_link_send);
        assert_int_equal(args[0], 7);
        assert_int_equal(args[1], 0x5000);
        assert_int_equal(args[2], 100);
    }
}

static void test_receive(void **state)
{
    static const int64_t cases[][2] = {
        {1, 1},           {HOST_LINK_MAX, HOST_LINK_MAX}, {0, 0},       {HOST_LINK_MAX + 1, -EIO},
        {1L << 32, -EIO}, {-EMSGSIZE, -EMSGSIZE},         {-4096, -EIO}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        answer = cases[i][0];
        assert_int_equal(ocall_link_receive(7, 0x5000, HOST_LINK_MAX, false), cases[i][1]);
        assert_int_equal(asked, OCALL_link_receive);
        assert_int_equal(args[2], HOST_LINK_MAX);
    }
}

/* A descriptor is a number that a descriptor can be. */
static void test_start(void **state)
{
    static const int64_t cases[][2] = {
        {0, 0}, {INT32_MAX, INT32_MAX}, {1L << 31, -EIO}, {-ENOSYS, -ENOSYS}, {-5000, -EIO}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        answer = cases[i][0];
        assert_int_equal(ocall_satellite_start(), cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_send),
        cmocka_unit_test(test_receive),
        cmocka_unit_test(test_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
