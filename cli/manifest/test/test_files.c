/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Visiting files: mounts, directories, links, allowed files and digests, in a directory of its own;
 * and the hash that a file gets.
 *
 *   app/bin/prog, app/bin/alias -> prog, app/bin/abs -> /nowhere
 *   app/lib -> usr/lib, app/usr/lib/libx.so, app/usr/lib/libx.so.1 -> libx.so, app/usr/lib/sub/y
 *   app/usr/lib/out -> ../../../other/file, other/file, app/usr/lib/dir -> sub
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>

#include "cli/manifest/files.c"
#include "cli/manifest/leaves.c"
#include "cli/manifest/tree.c"

static char root[] = "/tmp/cella-files-XXXXXX";

static void put_file(const char *path, size_t len)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0640);
    char *data = mem_new(len + 1);
    assert_true(fd >= 0);
    memset(data, 'x', len);
    assert_int_equal(write(fd, data, len), len);
    const struct timespec times[2] = {{1000, 5}, {1000, 5}};
    futimens(fd, times);
    close(fd);
    free(data);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(root));
    assert_int_equal(chdir(root), 0);
    assert_int_equal(system("mkdir -p app/bin app/usr/lib/sub other out"), 0);
    put_file("app/bin/prog", 5000);
    put_file("app/usr/lib/libx.so", 4096);
    put_file("app/usr/lib/sub/y", 0);
    put_file("other/file", 1);
    assert_int_equal(symlink("prog", "app/bin/alias"), 0);
    assert_int_equal(symlink("/nowhere", "app/bin/abs"), 0);
    assert_int_equal(symlink("usr/lib", "app/lib"), 0);
    assert_int_equal(symlink("libx.so", "app/usr/lib/libx.so.1"), 0);
    assert_int_equal(symlink("../../../other/file", "app/usr/lib/out"), 0);
    assert_int_equal(symlink("sub", "app/usr/lib/dir"), 0);
    assert_int_equal(symlink("loop", "app/loop"), 0);
    say_level = -1;
    return 0;
}

static int tear_down(void **state)
{
    char *command = mem_format("rm -rf %s", root);
    (void)state;
    assert_int_equal(chdir("/"), 0);
    int err = system(command);
    free(command);
    return err;
}

struct fixture {
    struct manifest m;
    struct leaves l;
    bool ok;
};

static void visit(struct fixture *f, const char *text)
{
    *f = (struct fixture){0};
    leaves_init(&f->l);
    if (!manifest_parse(&f->m, "m", text, strlen(text)))
        fail_msg("%s", f->m.error);
    f->ok = files_visit(&f->m, root, &f->l);
}

static void drop(struct fixture *f)
{
    manifest_fini(&f->m);
    leaves_fini(&f->l);
}

/* The tree as text: "/a" trusted, "/b>t" link, "/c*" allowed, "/d/" directory. */
static void print_tree(const struct file_node *n, const char *above, char *out)
{
    char *path = n->name ? mem_format("%s/%s", above, n->name) : mem_string("");
    strcat(out, path);
    strcat(out, n->kind == CONFIG_NODE_DIR    ? "/ "
                : n->kind == CONFIG_NODE_HOST ? "* "
                : n->kind == CONFIG_NODE_LNK  ? ">"
                                              : " ");
    if (n->kind == CONFIG_NODE_LNK) {
        strcat(out, n->target);
        strcat(out, " ");
    }
    for (size_t i = 0; i < n->child_count; i++)
        print_tree(n->children[i], path, out);
    free(path);
}

static void expect(const char *text, const char *tree)
{
    struct fixture f;
    char got[4096] = "";
    visit(&f, text);
    if (!f.ok)
        fail_msg("%s", f.m.error);
    print_tree(f.m.settings.files, "", got);
    assert_string_equal(got, tree);
    drop(&f);
}

static void expect_error(const char *text, const char *error)
{
    struct fixture f;
    visit(&f, text);
    assert_false(f.ok);
    char *want = mem_format(error, root);
    assert_string_equal(f.m.error, want);
    free(want);
    drop(&f);
}

#define PROG "libos.entrypoint = \"/bin/prog\"\n"
#define APP PROG "fs.root.uri = \"file:app\"\n"

static void test_single(void **state)
{
    (void)state;
    expect(APP "sgx.trusted_files = [\"file:app/bin/prog\"]", "/ /bin/ /bin/prog /dev/ /proc/ ");
    /* A link is a link, and what it leads to is trusted. */
    expect(APP "sgx.trusted_files = [\"file:app/bin/alias\"]",
           "/ /bin/ /bin/alias>prog /bin/prog /dev/ /proc/ ");
    /* So is one on the way. */
    expect(APP "sgx.trusted_files = [\"file:app/bin/prog\", \"file:app/lib/libx.so.1\"]",
           "/ /bin/ /bin/prog /dev/ /lib>usr/lib /proc/ /usr/ /usr/lib/ /usr/lib/libx.so "
           "/usr/lib/libx.so.1>libx.so ");
}

/* A link that leads elsewhere inside than outside is taken for its target. */
static void test_followed(void **state)
{
    (void)state;
    expect(APP "sgx.trusted_files = [\"file:app/bin/prog\", \"file:app/usr/lib/out\"]",
           "/ /bin/ /bin/prog /dev/ /proc/ /usr/ /usr/lib/ /usr/lib/out ");
}

static void test_directory(void **state)
{
    (void)state;
    expect(APP "sgx.trusted_files = [\"file:app/bin/\", \"file:app/usr/lib/\"]",
           "/ /bin/ /bin/abs>/nowhere /bin/alias>prog /bin/prog /dev/ /proc/ /usr/ /usr/lib/ "
           "/usr/lib/dir>sub "
           "/usr/lib/libx.so /usr/lib/libx.so.1>libx.so /usr/lib/out /usr/lib/sub/ "
           "/usr/lib/sub/y ");
}

/* One host directory under two paths; a file as a mount; a mount that hides a part. */
static void test_mounts(void **state)
{
    (void)state;
    expect("libos.entrypoint = \"/p\"\nfs.root.type = \"tmpfs\"\n"
           "fs.mounts = [{ path = \"/p\", uri = \"file:app/bin/prog\" },\n"
           "{ path = \"/a/l\", uri = \"file:app/usr/lib\" }, { path = \"/b\", uri = "
           "\"file:app/usr\" },\n{ path = \"/b/lib/sub\", type = \"tmpfs\" }]\n"
           "sgx.trusted_files = [\"file:app/bin/prog\", \"file:app/usr/\"]",
           "/ /a/ /a/l/ /a/l/dir>sub /a/l/libx.so /a/l/libx.so.1>libx.so /a/l/out /a/l/sub/ "
           "/a/l/sub/y /b/ /b/lib/ /b/lib/libx.so /b/lib/libx.so.1>libx.so /b/lib/out "
           "/b/lib/sub/ /dev/ /p /proc/ ");
}

static void test_allowed(void **state)
{
    (void)state;
    expect(PROG "fs.root.uri = \"file:app\"\nfs.mounts = [{ path = \"/o\", uri = \"file:out\" }]\n"
                "sgx.trusted_files = [\"file:app/bin/prog\"]\n"
                "sgx.allowed_files = [\"file:out/\", \"file:app/new\", \"file:app/bin\"]",
           "/ /bin* /bin/prog /dev/ /new* /o* /proc/ ");
}

static void test_errors(void **state)
{
    (void)state;
    expect_error(APP "sgx.trusted_files = [\"file:app/none\"]",
                 "m:3:22: %s/app/none: No such file or directory; correct the path or remove it");
    expect_error(APP "sgx.trusted_files = [\"file:app/bin\"]",
                 "m:3:22: /bin: is a directory; add a slash to trust all that is in it");
    expect_error(APP "sgx.trusted_files = [\"file:app/bin/prog/\"]",
                 "m:3:22: /bin/prog: is no directory; remove the slash at the end");
    expect_error(APP "sgx.trusted_files = [\"file:app/bin/prog/x\"]",
                 "m:3:22: %s/app/bin/prog: Not a directory; correct the path or remove it");
    expect_error(APP "sgx.trusted_files = [\"file:app/loop\"]",
                 "m:3:22: app/loop: Too many levels of symbolic links; correct the path or "
                 "remove it");
    expect_error(APP "sgx.trusted_files = [\"file:app/usr/lib/libx.so\"]",
                 "m:1:20: libos.entrypoint = \"/bin/prog\" is neither trusted nor allowed; add it "
                 "to sgx.trusted_files");
    expect_error(APP "sgx.trusted_files = [\"file:app/bin/prog\"]\n"
                     "sgx.allowed_files = [\"file:app/bin/prog\"]",
                 "m:4:22: /bin/prog: is both trusted and allowed; remove it from one of the lists");
    expect_error(APP "sgx.trusted_files = [{ uri = \"file:app/bin/prog\", sha256 = \"00000000"
                     "00000000000000000000000000000000000000000000000000000000\" }]",
                 "m:3:22: %s/app/bin/prog: its SHA-256 is not the manifest's; restore the file or "
                 "correct sha256");
}

static void test_digest(void **state)
{
    (void)state;
    /* printf x | sha256sum */
    expect("libos.entrypoint = \"/f\"\nfs.root.uri = \"file:.\"\nfs.mounts = [{ path = \"/f\", uri "
           "= \"file:other/file\" }]\nsgx.trusted_files = [{ uri = \"file:other/file\", sha256 = "
           "\"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\" }]",
           "/ /dev/ /f /other/ /other/file /proc/ ");
}

static void test_sources(void **state)
{
    struct fixture f;
    int fd = open("args", O_CREAT | O_WRONLY | O_TRUNC, 0600);
    (void)state;
    assert_int_equal(write(fd, "A=1\0B=\0", 7), 7);
    close(fd);
    visit(&f, APP "sgx.trusted_files = [\"file:app/bin/\"]\nloader.argv_src_file = \"file:args\"\n"
                  "loader.env_src_file = \"file:args\"");
    if (!f.ok)
        fail_msg("%s", f.m.error);
    assert_int_equal(f.m.settings.arg_count, 2);
    assert_string_equal(f.m.settings.args[1], "B=");
    assert_int_equal(f.m.settings.env_count, 2);
    assert_string_equal(f.m.settings.env[1].value, "");
    drop(&f);
}

static void check_interp(const char *data, size_t len, const char *want)
{
    char got[32];
    interp_find(data, len, got, sizeof got);
    assert_string_equal(got, want);
}

static void test_interp(void **state)
{
    static char elf[200];
    Elf64_Ehdr *eh = (void *)elf;
    Elf64_Phdr *ph = (void *)(elf + 64);
    (void)state;
    check_interp("#!/bin/sh -e\nx", 14, "/bin/sh");
    check_interp("#! \t/bin/sh", 12, "/bin/sh");
    check_interp("#!\n", 3, "");
    check_interp("x", 1, "");
    check_interp("", 0, "");
    check_interp("#!/a/name/that/is/longer/than/the/buffer", 41, "");
    memcpy(elf, ELFMAG, SELFMAG);
    elf[EI_CLASS] = ELFCLASS64;
    eh->e_phoff = 64;
    eh->e_phnum = 1;
    ph->p_type = PT_INTERP;
    ph->p_offset = 150;
    ph->p_filesz = 6;
    strcpy(elf + 150, "/ld.so");
    check_interp(elf, sizeof elf, "/ld.so");
    check_interp(elf, 155, "");
    check_interp(elf, 100, "");
    eh->e_phoff = UINT64_MAX;
    check_interp(elf, sizeof elf, "");
    eh->e_phoff = 64;
    ph->p_offset = UINT64_MAX;
    check_interp(elf, sizeof elf, "");
}

/* The definition in abi/config/config.h, step by step. */
static void test_root(void **state)
{
    struct fixture f;
    uint8_t data[5000], h[64], want[32];
    (void)state;
    visit(&f, APP "sgx.trusted_files = [\"file:app/bin/prog\", \"file:app/usr/lib/\"]");
    assert_true(f.ok);
    memset(data, 'x', sizeof data);
    sha256(data, 4096, h);
    sha256(data, 904, h + 32);
    sha256(h, 64, want);
    struct file_node *n = tree_resolve(f.m.settings.files, "/bin/prog");
    assert_non_null(n);
    assert_memory_equal(n->root, want, 32);
    assert_int_equal(n->size, 5000);
    assert_int_equal(n->mode, 0640);
    assert_int_equal(n->mtime, 1000);
    assert_memory_equal(f.l.data + n->leaves, h, 64);
    n = tree_resolve(f.m.settings.files, "/usr/lib/dir/y");
    assert_non_null(n);
    sha256("", 0, want);
    assert_memory_equal(n->root, want, 32);
    n = tree_resolve(f.m.settings.files, "/usr/lib/libx.so.1");
    sha256(h, 32, want);
    assert_memory_equal(n->root, want, 32);
    assert_null(tree_resolve(f.m.settings.files, "/usr/lib/none"));
    assert_int_equal(f.m.settings.leaves_len, f.l.len);
    drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),    cmocka_unit_test(test_followed),
        cmocka_unit_test(test_directory), cmocka_unit_test(test_mounts),
        cmocka_unit_test(test_allowed),   cmocka_unit_test(test_errors),
        cmocka_unit_test(test_digest),    cmocka_unit_test(test_sources),
        cmocka_unit_test(test_root),      cmocka_unit_test(test_interp),
    };
    umask(022);
    return cmocka_run_group_tests_name("files", tests, set_up, tear_down);
}
