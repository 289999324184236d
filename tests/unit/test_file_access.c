/* common/file_access: what lies outside is refused, however it is named. */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file_access.h"
#include "common/str.h"

static char root[PATH_MAX];			/* of everything; root/in is allowed, root/out is not */

static const char *
path(const char *name)
{
	static char texts[8][PATH_MAX * 2];
	static int	next;
	char	   *text = texts[next++ % 8];

	snprintf(text, sizeof texts[0], "%s/%s", root, name);
	return text;
}

static void
write_file(const char *name)
{
	FILE *file = fopen(path(name), "w");

	ck_assert_ptr_nonnull(file);
	fputs("x\n1\n", file);
	fclose(file);
}

static void
setup(void)
{
	char name[] = "/tmp/sluice-access-XXXXXX";

	ck_assert_ptr_nonnull(realpath(mkdtemp(name), root));
	ck_assert_int_eq(mkdir(path("in"), 0700) | mkdir(path("in/sub"), 0700) | mkdir(path("out"), 0700) | mkdir(path("inside"), 0700), 0);
	write_file("in/a.csv");
	write_file("in/sub/b.csv");
	write_file("out/secret.csv");
	write_file("inside/c.csv");
	ck_assert_int_eq(symlink(path("out/secret.csv"), path("in/link.csv")), 0);
	ck_assert_int_eq(symlink(path("out"), path("in/linked")), 0);
	ck_assert_int_eq(symlink("a.csv", path("in/alias.csv")), 0);
	ck_assert_int_eq(symlink(path("in"), path("door")), 0);
	ck_assert_int_eq(mkfifo(path("in/pipe"), 0600), 0);
}

static void
teardown(void)
{
	char command[PATH_MAX + 16];

	snprintf(command, sizeof command, "rm -rf '%s'", root);
	ck_assert_int_eq(system(command), 0);
}

static FileAccess *
allowed(const char *name)
{
	FileAccess *access = NULL;
	Error		err;

	ck_assert_msg(file_access_new(name != NULL ? path(name) : NULL, NULL, &access, &err) == OK, "%s", err.message);
	return access;
}

static bool
opens(const FileAccess *access, const char *name, Error *err)
{
	int fd = file_access_open(access, name, err);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

START_TEST(everything_without_access)
{
	FileAccess *all;
	Error		err;

	ck_assert_int_eq(file_access_new("all", "all", &all, &err), OK);
	ck_assert(opens(NULL, path("out/secret.csv"), &err));
	ck_assert(opens(all, path("out/secret.csv"), &err));
	ck_assert(!opens(NULL, path("out/none.csv"), &err));
	ck_assert_ptr_nonnull(strstr(err.message, "does not exist"));
	file_access_free(all);
}
END_TEST

START_TEST(inside_is_open)
{
	FileAccess *access = allowed("in");
	Error		err;

	ck_assert_msg(opens(access, path("in/a.csv"), &err), "%s", err.message);
	ck_assert_msg(opens(access, path("in/sub/b.csv"), &err), "%s", err.message);
	ck_assert_msg(opens(access, path("in/sub/../a.csv"), &err), "%s", err.message);
	ck_assert_msg(opens(access, path("in//./a.csv"), &err), "%s", err.message);
	ck_assert_msg(opens(access, path("in/alias.csv"), &err), "%s", err.message);
	ck_assert(!opens(access, path("in/none.csv"), &err));
	ck_assert_ptr_nonnull(strstr(err.message, "does not exist"));
	file_access_free(access);
}
END_TEST

START_TEST(outside_is_denied)
{
	static const char *const names[] = {"out/secret.csv", "out/none.csv", "in/../out/secret.csv", "in/link.csv", "in/linked/secret.csv",
		"in/linked/../out/secret.csv", "inside/c.csv", "in/sub/../../out/secret.csv", "in/linked"};
	FileAccess *access = allowed("in"), *none = allowed(NULL);
	Error		err;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		ck_assert_msg(!opens(access, path(names[i]), &err), "%s", names[i]);
		ck_assert_msg(strstr(err.message, "denied") != NULL, "%s: %s", names[i], err.message);
		ck_assert_msg(file_access_check(access, path(names[i]), &err) == FAILED || strstr(names[i], "none") != NULL, "%s", names[i]);
		ck_assert_msg(!opens(none, path(names[i]), &err), "%s", names[i]);
	}
	ck_assert(!opens(access, "/etc/passwd", &err));
	ck_assert(!opens(access, "relative.csv", &err));
	ck_assert(!opens(access, "", &err));
	file_access_free(access);
	file_access_free(none);
}
END_TEST

/* A directory that is itself reached by a link may be named both ways. */
START_TEST(allowed_by_a_link)
{
	FileAccess *access = allowed("door");
	Error		err;

	ck_assert_msg(opens(access, path("door/a.csv"), &err), "%s", err.message);
	ck_assert_msg(opens(access, path("in/a.csv"), &err), "%s", err.message);
	ck_assert(!opens(access, path("door/../out/secret.csv"), &err));
	file_access_free(access);
}
END_TEST

START_TEST(no_pipes)
{
	FileAccess *access = allowed("in");
	Error		err;

	ck_assert(!opens(access, path("in/pipe"), &err));
	ck_assert_ptr_nonnull(strstr(err.message, "neither a file"));
	ck_assert_int_eq(file_access_check_standard(access, &err), FAILED);
	ck_assert_int_eq(file_access_check_standard(NULL, &err), OK);
	file_access_free(access);
}
END_TEST

START_TEST(globs)
{
	FileAccess *access = allowed("in");
	Error		err;

	ck_assert_int_eq(file_access_check(access, path("in/*.csv"), &err), OK);
	ck_assert_int_eq(file_access_check(access, path("in/*/b.csv"), &err), OK);
	ck_assert_int_eq(file_access_check(access, path("out/*.csv"), &err), FAILED);
	ck_assert_int_eq(file_access_check(access, path("*/secret.csv"), &err), FAILED);
	ck_assert_int_eq(file_access_check(access, path("in/*/../../out/*.csv"), &err), FAILED);
	ck_assert_int_eq(file_access_check(access, path("in/../o*/secret.csv"), &err), FAILED);
	ck_assert_int_eq(file_access_check(access, "/*", &err), FAILED);
	file_access_free(access);
}
END_TEST

static bool
writes(const FileAccess *access, const char *name, Error *err)
{
	FileTarget target;

	if (file_target_open(access, name, 0600, &target, err) != OK)
		return false;
	ck_assert_int_eq(write(target.fd, "new", 3), 3);
	ck_assert_int_eq(file_target_commit(&target, err), OK);
	return true;
}

START_TEST(targets)
{
	FileAccess *access = allowed("in");
	FileTarget	target;
	struct stat st;
	Error		err;

	ck_assert_msg(writes(access, path("in/new.csv"), &err), "%s", err.message);
	ck_assert_msg(writes(access, path("in/a.csv"), &err), "%s", err.message);
	ck_assert(!writes(access, path("out/new.csv"), &err));
	ck_assert(!writes(access, path("in/linked/new.csv"), &err));
	ck_assert(!writes(access, path("in/../out/new.csv"), &err));
	ck_assert(!writes(access, path("in/sub"), &err));
	ck_assert(!writes(access, path("in/pipe"), &err));
	ck_assert(!writes(NULL, "/dev/null", &err));
	/* A link is replaced; what it names stays. */
	ck_assert_msg(writes(access, path("in/link.csv"), &err), "%s", err.message);
	ck_assert_int_eq(stat(path("out/secret.csv"), &st), 0);
	ck_assert_int_eq(st.st_size, 4);
	ck_assert_int_eq(lstat(path("in/link.csv"), &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	/* What is given up leaves nothing behind, and the old file in place. */
	ck_assert_int_eq(file_target_open(access, path("in/sub/b.csv"), 0600, &target, &err), OK);
	file_target_abort(&target);
	file_target_abort(&target);
	ck_assert_int_eq(stat(path("in/sub/b.csv"), &st), 0);
	ck_assert_int_eq(st.st_size, 4);
	ck_assert_int_eq(unlink(path("in/sub/b.csv")), 0);
	ck_assert_int_eq(rmdir(path("in/sub")), 0);
	file_access_free(access);
}
END_TEST

START_TEST(addresses)
{
	FileAccess *access = NULL;
	Error		err;

	ck_assert_int_eq(file_access_new("none", "data.example.org, *.lake.example, host:8080", &access, &err), OK);
	ck_assert_int_eq(url_access_check(access, "https://data.example.org/x.csv", &err), OK);
	ck_assert_int_eq(url_access_check(access, "HTTPS://u:p@Data.Example.org:444/x", &err), OK);
	ck_assert_int_eq(url_access_check(access, "http://a.lake.example/x", &err), OK);
	ck_assert_int_eq(url_access_check(access, "http://host:8080", &err), OK);
	ck_assert_int_eq(url_access_check(access, "http://host:8081", &err), FAILED);
	ck_assert_int_eq(url_access_check(access, "http://lake.example/x", &err), FAILED);
	ck_assert_int_eq(url_access_check(access, "http://evil.org/?x=@data.example.org", &err), FAILED);
	ck_assert_int_eq(url_access_check(access, "http://data.example.org@evil.org/", &err), FAILED);
	ck_assert_int_eq(url_access_check(access, "http://evil.org\\@data.example.org/", &err), FAILED);
	ck_assert_int_eq(url_access_check(access, "http://169.254.169.254/latest", &err), FAILED);
	ck_assert_int_eq(url_access_check(access, "file:///etc/passwd", &err), FAILED);
	ck_assert_int_eq(url_access_check(NULL, "http://anything", &err), OK);
	file_access_free(access);
}
END_TEST

START_TEST(bad_lists)
{
	FileAccess *access;
	Error		err;

	ck_assert_int_eq(file_access_new("relative", NULL, &access, &err), FAILED);
	ck_assert_int_eq(file_access_new("/does/not/exist", NULL, &access, &err), FAILED);
	ck_assert_int_eq(file_access_new(path("in/a.csv"), NULL, &access, &err), FAILED);
	ck_assert_int_eq(file_access_new("none", "http://x", &access, &err), FAILED);
}
END_TEST

int
main(void)
{
	Suite  *suite = suite_create("file_access");
	TCase  *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, everything_without_access);
	tcase_add_test(tc, inside_is_open);
	tcase_add_test(tc, outside_is_denied);
	tcase_add_test(tc, allowed_by_a_link);
	tcase_add_test(tc, no_pipes);
	tcase_add_test(tc, globs);
	tcase_add_test(tc, targets);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, bad_lists);
	suite_add_tcase(suite, tc);

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);
	int		failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
