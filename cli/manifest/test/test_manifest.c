/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest compiler: what keys mean, and the one line that each mistake gets.
 */
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/manifest/manifest.c"
#include "cli/manifest/schema.c"

/* What every manifest needs, without a line end. */
#define ENTRY "libos.entrypoint = \"/bin/a\"\n"

static bool parse(struct manifest *m, const char *text)
{
    return manifest_parse(m, "m", text, strlen(text));
}

static void test_defaults(void **state)
{
    struct manifest m;
    (void)state;
    assert_true(parse(&m, ENTRY));
    assert_string_equal(m.settings.entrypoint, "/bin/a");
    assert_string_equal(m.settings.start_dir, "/");
    assert_int_equal(m.settings.arg_count, 1);
    assert_string_equal(m.settings.args[0], "/bin/a");
    assert_int_equal(m.settings.memory_size, 4UL << 30);
    assert_int_equal(m.settings.vcpu_count, 0); /* as many as there are CPUs */
    assert_int_equal(m.settings.flags, 0);
    assert_int_equal(m.settings.mount_count, 3);
    assert_int_equal(m.settings.mounts[0].kind, CONFIG_MOUNT_TRUSTED);
    assert_string_equal(m.settings.mounts[0].source, ".");
    assert_int_equal(m.sign.xfrm_free, SGX_XFRM_AVX | SGX_XFRM_AVX512 | SGX_XFRM_AMX);
    assert_false(m.sign.debug);
    assert_null(m.insecure);
    manifest_fini(&m);
}

static void test_everything(void **state)
{
    static const char text[] =
        "[loader]\nargv = [\"a\", \"b\"]\nlog_level = \"trace\"\nuid = 1000\ngid = 100\n"
        "entrypoint.uri = \"file:x\"\nenv.A = \"1\"\nenv.B = { passthrough = true }\n"
        "env.C = { value = \"3\" }\nenv.\"D.E\" = \"4\"\n"
        "[libos]\nentrypoint = \"bin/a\"\ncheck_invalid_pointers = false\n"
        "[sys]\nstack.size = \"1M\"\nbrk.max_size = \"256K\"\nfds.limit = 900\n"
        "enable_sigterm_injection = true\ndisallow_subprocesses = true\n"
        "[cella]\nhost_signals = [\"SIGINT\", \"SIGWINCH\"]\nexec = [\"/bin/sh\", "
        "\"//usr/./bin/id/\"]\n"
        "[fs]\nstart_dir = \"/srv/./x/..\"\nroot.uri = \"file:/\"\n"
        "[[fs.mounts]]\npath = \"/data/\"\nuri = \"file:data\"\n"
        "[[fs.mounts]]\ntype = \"tmpfs\"\npath = \"/tmp\"\n"
        "[sgx]\ndebug = true\nenclave_size = \"1024G\"\nmax_threads = 1000\nisvprodid = 7\n"
        "isvsvn = 8\nedmm_enable = true\ncpu_features.avx = \"required\"\n"
        "cpu_features.amx = \"disabled\"\nremote_attestation = \"none\"\n"
        "trusted_files = [\"file:a\", { uri = \"file:/b\", sha256 = "
        "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\" }]\n"
        "allowed_files = [\"file:/tmp/\"]\nfile_check_policy = \"allow_all_but_log\"\n";
    struct manifest m;
    (void)state;
    if (!parse(&m, text))
        fail_msg("%s", m.error);
    const struct settings *s = &m.settings;
    assert_string_equal(s->entrypoint, "/srv/bin/a");
    assert_string_equal(s->start_dir, "/srv");
    assert_int_equal(s->arg_count, 2);
    assert_int_equal(s->env_count, 4);
    assert_string_equal(s->env[3].name, "D.E");
    assert_null(s->env[1].value);
    assert_int_equal(s->uid, 1000);
    assert_int_equal(s->stack_size, 1 << 20);
    assert_int_equal(s->memory_size, 1UL << 40);
    assert_int_equal(s->elrange_bits, 41);
    assert_int_equal(s->vcpu_count, VCPU_MAX);
    assert_int_equal(s->ssa_frame_pages, 1);
    assert_int_equal(s->flags,
                     CONFIG_F_DEBUG | CONFIG_F_HOST_LOG | CONFIG_F_HOST_SIGTERM | CONFIG_F_NO_FORK);
    assert_int_equal(s->host_signals, 1UL << (SIGINT - 1) | 1UL << (SIGWINCH - 1));
    assert_int_equal(s->exec_count, 2);
    assert_string_equal(s->exec[0], "/bin/sh");
    assert_string_equal(s->exec[1], "/usr/bin/id");
    assert_int_equal(s->file_policy, CONFIG_FILES_LOG);
    assert_int_equal(s->mount_count, 5);
    assert_string_equal(s->mounts[0].source, "/");
    assert_string_equal(s->mounts[3].path, "/data");
    assert_string_equal(s->mounts[3].source, "data");
    assert_int_equal(s->mounts[4].kind, CONFIG_MOUNT_TMPFS);
    assert_int_equal(m.trusted.count, 2);
    assert_string_equal(m.trusted.list[1].path, "/b");
    assert_non_null(m.trusted.list[1].sha256);
    assert_string_equal(m.allowed.list[0].path, "/tmp/");
    assert_int_equal(m.sign.isvprodid, 7);
    assert_int_equal(m.sign.xfrm_required, SGX_XFRM_AVX);
    assert_int_equal(m.sign.xfrm_free, SGX_XFRM_AVX512);
    assert_true(m.sign.debug);
    assert_string_equal(m.insecure, "loader.log_level, sgx.debug, sgx.allowed_files, "
                                    "sgx.file_check_policy");
    manifest_fini(&m);
}

struct mistake {
    const char *text, *error;
};

static void check_mistakes(const struct mistake *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct manifest m;
        assert_false(parse(&m, list[i].text));
        assert_string_equal(m.error, list[i].error);
        manifest_fini(&m);
    }
}

/* What is no manifest, keys that do not exist, and those of sgx. */
static void test_mistakes_sgx(void **state)
{
    static const struct mistake list[] = {
        {"", "m:1:1: no libos.entrypoint; write libos.entrypoint = \"/path/of/the/program\""},
        {"a = ", "m:1:5: expected a value, found the end of the file"},
        {"sgx.debux = true", "m:1:5: unknown key sgx.debux; did you mean sgx.debug?"},
        {"sgx.enclave_sise = \"1G\"",
         "m:1:5: unknown key sgx.enclave_sise; did you mean sgx.enclave_size?"},
        {"sxg.debug = true", "m:1:1: unknown key sxg; did you mean sgx?"},
        {"[sgx]\nmax_thread = 4",
         "m:2:1: unknown key sgx.max_thread; did you mean sgx.max_threads?"},
        {"[banana]\nx = 1", "m:1:2: unknown key banana; remove it"},
        {"\"sgx.debug\" = true", "m:1:1: unknown key \"sgx.debug\"; remove it"},
        {"sgx.thread_num = 4", "m:1:5: sgx.thread_num is no longer a key; write sgx.max_threads"},
        {"sgx.debug = \"true\"",
         "m:1:13: sgx.debug must be a boolean, not a string; write true or false without quotes"},
        {"sgx.enclave_size = 4",
         "m:1:20: sgx.enclave_size must be a string, not an integer; write \"\xe2\x80\xa6\""},
        {"sgx.enclave_size = \"4X\"",
         "m:1:20: sgx.enclave_size = \"4X\" is not a size; write for example \"4G\""},
        {"sgx.enclave_size = \"64K\"",
         "m:1:20: sgx.enclave_size = \"64K\" is too small; write at least \"8M\""},
        {"sgx.enclave_size = \"100T\"",
         "m:1:20: sgx.enclave_size = \"100T\" is too large; write at most \"32T\""},
        {"sgx = 1", "m:1:7: sgx must be a table, not an integer; write { \xe2\x80\xa6 } or a "
                    "[table]"},
        {"sgx.max_threads = 0", "m:1:19: sgx.max_threads = 0 is out of range; write 1 to 4096"},
        {"sgx.isvsvn = 65536", "m:1:14: sgx.isvsvn = 65536 is out of range; write 0 to 65535"},
        {"sgx.isvsvn = -1", "m:1:14: sgx.isvsvn = -1 is out of range; write 0 to 65535"},
        {"sgx.remote_attestation = \"dcap\"",
         "m:1:26: sgx.remote_attestation is not supported yet; remove it"},
        {"sgx.cpu_features.mpx = \"unspecified\"",
         "m:1:24: sgx.cpu_features.mpx = \"unspecified\" is not known; write \"disabled\" or "
         "\"required\""},
    };
    (void)state;
    check_mistakes(list, sizeof list / sizeof list[0]);
}

/* What is run, and with what. */
static void test_mistakes_program(void **state)
{
    static const struct mistake list[] = {
        {"loader.log_level = \"loud\"",
         "m:1:20: loader.log_level = \"loud\" is not known; write \"none\", \"error\", "
         "\"warning\", \"debug\", \"trace\" or \"all\""},
        {"cella.exec = \"sh\"",
         "m:1:14: cella.exec = \"sh\" is not known; write \"none\" or \"any\""},
        {"cella.exec = [\"/bin/sh\", \"id\"]",
         "m:1:26: cella.exec: \"id\" is no absolute path; write where the program lies inside the "
         "enclave"},
        {"loader.argv = \"a\"",
         "m:1:15: loader.argv must be an array, not a string; write [ \"\xe2\x80\xa6\", "
         "\xe2\x80\xa6 ]"},
        {"loader.argv = [1]",
         "m:1:16: loader.argv must be a string, not an integer; write \"\xe2\x80\xa6\""},
        {"loader.argv = []", "m:1:15: loader.argv is empty; write at least the program's name"},
        {"loader.env.A = 1",
         "m:1:16: loader.env.A must be a string, not an integer; write \"\xe2\x80\xa6\""},
        {"loader.env.A = { passthrough = false }",
         "m:1:32: loader.env.A: passthrough = false has no meaning; remove the variable"},
        {"loader.env.A = { x = 1 }", "m:1:12: loader.env.A: write a string, { value = "
                                     "\"\xe2\x80\xa6\" } or { passthrough = true }"},
        {"loader.env.\"A=B\" = \"1\"", "m:1:12: \"A=B\" is no name for a variable; rename it"},
        {"loader.env.A = \"x\\u0000\"", "m:1:16: loader.env.A holds a NUL byte; remove it"},
        {"libos.entrypoint = \"file:/a\"",
         "m:1:20: libos.entrypoint must be a path inside the enclave; write for example "
         "\"/usr/bin/python3\""},
        {ENTRY "loader.argv = [\"a\"]\nloader.insecure__use_cmdline_argv = true",
         "m:1:20: more than one of loader.argv, loader.argv_src_file and "
         "loader.insecure__use_cmdline_argv; keep one"},
        {ENTRY "sys.stack.size = \"4G\"", "m:1:1: sys.stack.size takes more than half of "
                                          "sgx.enclave_size; raise that"},
    };
    (void)state;
    check_mistakes(list, sizeof list / sizeof list[0]);
}

/* Mounts and lists of files. */
static void test_mistakes_files(void **state)
{
    static const struct mistake list[] = {
        {"fs.mounts = [{ path = \"/a\" }]",
         "m:1:14: fs.mounts has no uri; write uri = \"file:PATH\""},
        {"fs.mounts = [{ uri = \"file:a\" }]", "m:1:14: a mount has no path; write path = "
                                               "\"/\xe2\x80\xa6\""},
        {"fs.mounts = [{ path = \"a\", uri = \"file:a\" }]",
         "m:1:14: fs.mounts.path = \"a\" is not absolute; begin it with \"/\""},
        {"fs.mounts = [{ path = \"/\", uri = \"file:a\" }]",
         "m:1:14: a mount at \"/\" is written as fs.root; move it there"},
        {"fs.mounts = [{ path = \"/a\", uri = \"a\" }]",
         "m:1:35: fs.mounts.uri = \"a\" is no file; write \"file:PATH\""},
        {"fs.mounts = [{ path = \"/a\", typ = \"tmpfs\" }]",
         "m:1:29: unknown key fs.mounts.typ; did you mean fs.mounts.type?"},
        {"fs.mounts = [{ path = \"/a\", type = \"encrypted\" }]",
         "m:1:36: fs.mounts.type = \"encrypted\" is not supported yet; write \"chroot\" or "
         "\"tmpfs\""},
        {"fs.mount.lib.path = \"/lib\"",
         "m:1:4: fs.mount is no longer a key; write [[fs.mounts]] or fs.mounts = [ \xe2\x80\xa6 ]"},
        {"sgx.trusted_files = \"file:a\"",
         "m:1:21: sgx.trusted_files must be an array, not a string; write [ \"\xe2\x80\xa6\", "
         "\xe2\x80\xa6 ]"},
        {"sgx.trusted_files = [\"a\"]",
         "m:1:22: sgx.trusted_files = \"a\" is no file; write \"file:PATH\""},
        {"sgx.trusted_files.a = \"file:a\"",
         "m:1:5: sgx.trusted_files.NAME = \xe2\x80\xa6 is an old syntax; write sgx.trusted_files = "
         "[ \"file:\xe2\x80\xa6\", \xe2\x80\xa6 ]"},
        {"sgx.trusted_files = [{ uri = \"file:a\", sha256 = \"0\" }]",
         "m:1:49: sha256 is no digest; write 64 hexadecimal digits, as sha256sum prints"},
        {"sgx.allowed_files = [{ uri = \"file:a\" }]",
         "m:1:22: sgx.allowed_files must be a string, not a table; write \"\xe2\x80\xa6\""},
    };
    (void)state;
    check_mistakes(list, sizeof list / sizeof list[0]);
}

/* What Cella does not have yet may be mentioned with its default. */
static void test_later_defaults(void **state)
{
    static const char text[] =
        ENTRY "sgx.remote_attestation = \"none\"\nsgx.profile.enable = \"none\"\n"
              "sgx.seal_key.misc_mask = \"0xffffffff\"\nsys.allowed_ioctls = []\n"
              "sys.debug__mock_syscalls = []\nsgx.vtune_profile = false\nfs.insecure__keys = {}\n"
              "sgx.insecure__rpc_thread_num = 8\nsgx.preheat_enclave = true\n"
              "sys.enable_extra_runtime_domain_names_conf = false\n";
    struct manifest m;
    (void)state;
    if (!parse(&m, text))
        fail_msg("%s", m.error);
    manifest_fini(&m);
}

/* Long names do not overflow a message. */
static void test_long(void **state)
{
    char text[4096] = "sgx.";
    struct manifest m;
    (void)state;
    memset(text + 4, 'x', 3000);
    strcat(text, " = 1");
    assert_false(parse(&m, text));
    assert_true(strlen(m.error) < sizeof m.error);
    manifest_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_everything),
        cmocka_unit_test(test_mistakes_sgx),   cmocka_unit_test(test_mistakes_program),
        cmocka_unit_test(test_mistakes_files), cmocka_unit_test(test_later_defaults),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
