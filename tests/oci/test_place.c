/* SPDX-License-Identifier: Apache-2.0 */
/* Names of places. skopeo 1.9.3 was asked for most of the rows and answers alike, but that it takes no IPv6
 * address and no tag beside a digest. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "oci/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEX    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHA256 "sha256:" HEX

struct good {
	const char *text;
	enum oci_transport transport;
	const char *path, *host, *repository, *tag, *digest;
};

static const struct good goods[] = {
	{ "docker://alpine", OCI_DOCKER, "", "docker.io", "library/alpine", "latest", "" },
	{ "docker://alpine:3", OCI_DOCKER, "", "docker.io", "library/alpine", "3", "" },
	{ "docker://docker.io/alpine", OCI_DOCKER, "", "docker.io", "library/alpine", "latest", "" },
	{ "docker://index.docker.io/a/b", OCI_DOCKER, "", "docker.io", "a/b", "latest", "" },
	{ "docker://team/app", OCI_DOCKER, "", "docker.io", "team/app", "latest", "" },
	{ "docker://localhost/app", OCI_DOCKER, "", "localhost", "app", "latest", "" },
	{ "docker://localhost:5000/app:1", OCI_DOCKER, "", "localhost:5000", "app", "1", "" },
	{ "docker://reg.example/a/b/c:V_1.2-x", OCI_DOCKER, "", "reg.example", "a/b/c", "V_1.2-x", "" },
	{ "docker://reg.example:5000/app@" SHA256, OCI_DOCKER, "", "reg.example:5000", "app", "", SHA256 },
	{ "docker://reg.example/app:1@" SHA256, OCI_DOCKER, "", "reg.example", "app", "1", SHA256 },
	{ "docker://Reg.Example:1/app", OCI_DOCKER, "", "Reg.Example:1", "app", "latest", "" },
	{ "docker://127.0.0.1:5000/app", OCI_DOCKER, "", "127.0.0.1:5000", "app", "latest", "" },
	{ "docker://[::1]:5000/app", OCI_DOCKER, "", "[::1]:5000", "app", "latest", "" },
	{ "docker://[::1]/app", OCI_DOCKER, "", "[::1]", "app", "latest", "" },
	{ "docker://a__b", OCI_DOCKER, "", "docker.io", "library/a__b", "latest", "" },
	{ "docker://a---b", OCI_DOCKER, "", "docker.io", "library/a---b", "latest", "" },
	{ "docker://x.y/" HEX, OCI_DOCKER, "", "x.y", HEX, "latest", "" },
	{ "oci:layout", OCI_LAYOUT, "layout", "", "", "", "" },
	{ "oci:layout:", OCI_LAYOUT, "layout", "", "", "", "" },
	{ "oci:/a/layout:1.2", OCI_LAYOUT, "/a/layout", "", "", "1.2", "" },
	{ "oci:./x:a:b", OCI_LAYOUT, "./x", "", "", "a:b", "" },
	{ "oci:x:reg.example:5000/team/app:1", OCI_LAYOUT, "x", "", "", "reg.example:5000/team/app:1", "" },
	{ "oci:x:a--b", OCI_LAYOUT, "x", "", "", "a--b", "" },
	{ "oci:x:a@b+c", OCI_LAYOUT, "x", "", "", "a@b+c", "" },
	{ "oci-archive:/a b/image.tar", OCI_ARCHIVE, "/a b/image.tar", "", "", "", "" },
	{ "oci-archive:i.tar:t", OCI_ARCHIVE, "i.tar", "", "", "t", "" },
	{ "dir:/a:b", OCI_DIR, "/a:b", "", "", "", "" },
	{ "dir:x", OCI_DIR, "x", "", "", "", "" },
};

static void reads_a_place(void **state)
{
	const struct good *row = *state;
	struct oci_place place;
	struct err err = ERR_NONE;

	if (oci_place_parse(row->text, &place, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(place.transport, row->transport);
	assert_string_equal(place.text, row->text);
	assert_string_equal(place.path, row->path);
	assert_string_equal(place.host, row->host);
	assert_string_equal(place.repository, row->repository);
	assert_string_equal(place.tag, row->tag);
	assert_string_equal(place.digest, row->digest);
}

static const struct {
	const char *text, *words;
} bads[] = {
	{ "", "is no place" },
	{ "alpine", "is no place" },
	{ "docker", "is no place" },
	{ "docker-daemon:alpine:1", "is no place" },
	{ "Docker://alpine", "is no place" },
	{ ":x", "is no place" },
	{ "docker:alpine", "the form is docker://" },
	{ "docker:/alpine", "the form is docker://" },
	{ "docker://", "names no repository" },
	{ "docker:///x", "no part of a repository" },
	{ "docker://A/b", "'A' is no part" },
	{ "docker://a___b", "no part" },
	{ "docker://a..b", "no part" },
	{ "docker://a._b", "no part" },
	{ "docker://_a", "no part" },
	{ "docker://a-", "no part" },
	{ "docker://a//b", "no part" },
	{ "docker://a/../b", "no part" },
	{ "docker://a b", "no part" },
	{ "docker://a%2fb", "no part" },
	{ "docker://user@host/x", "behind the '@'" },
	{ "docker://x.y/a/", "ends in '/'" },
	{ "docker://x.y/", "names no repository" },
	{ "docker://x.y:/d", "is no host" },
	{ "docker://x.y:0/d", "is no host" },
	{ "docker://x.y:65536/d", "is no host" },
	{ "docker://x.y:+1/d", "is no host" },
	{ "docker://-x.y/a", "is no host" },
	{ "docker://x..y/a", "is no host" },
	{ "docker://x.y./a", "is no host" },
	{ "docker://.x/a", "is no host" },
	{ "docker://x_y.z/a", "is no host" },
	{ "docker://[::1/a", "is no host" },
	{ "docker://[]:1/a", "is no host" },
	{ "docker://[::g]:1/a", "is no host" },
	{ "docker://[::1]5000/a", "is no host" },
	{ "docker://x:", "a tag has" },
	{ "docker://x:-a", "a tag has" },
	{ "docker://x:.a", "a tag has" },
	{ "docker://x:a/b", "is no host" },
	{ "docker://x:a b", "a tag has" },
	{ "docker://x@", "behind the '@'" },
	{ "docker://x@sha256:abc", "behind the '@'" },
	{ "docker://x@sha256:" HEX "0", "behind the '@'" },
	{ "docker://x@md5:" HEX, "behind the '@'" },
	{ "docker://x@" SHA256 "@" SHA256, "behind the '@'" },
	{ "docker://" HEX, "64 hex digits" },
	{ "oci:", "names no path" },
	{ "oci::t", "names no path" },
	{ "oci:a:/b", "is no tag" },
	{ "oci:x:a//b", "is no tag" },
	{ "oci:x:-x", "is no tag" },
	{ "oci:x:a-", "is no tag" },
	{ "oci:x:a b", "is no tag" },
	{ "oci:x:a---b", "is no tag" },
	{ "oci-archive:", "names no path" },
	{ "dir:", "names no path" },
};

static void refuses_what_is_no_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct oci_place place = { .text = "untouched" };
		struct err err = ERR_NONE;
		if (oci_place_parse(bads[i].text, &place, &err) == 0)
			fail_msg("'%s' was taken", bads[i].text);
		if (err.kind != ERR_USAGE || !strstr(err.text, bads[i].words))
			fail_msg("'%s': %s (expected: %s)", bads[i].text, err.text, bads[i].words);
		assert_string_equal(place.text, "untouched");
	}
}

static char *repeated(const char *before, char c, size_t count, const char *after)
{
	char *text = xmalloc(strlen(before) + count + strlen(after) + 1);
	size_t len = strlen(before);

	memcpy(text, before, len);
	memset(text + len, c, count);
	memcpy(text + len + count, after, strlen(after) + 1);
	return text;
}

static void bounds_names_where_the_grammar_does(void **state)
{
	(void)state;
	static const struct {
		const char *before;
		size_t most;
		const char *after;
	} rows[] = {
		{ "docker://x:", 128, "" },
		{ "docker://x.y/", 255 - 4, "" },
		{ "docker://", 255 - 10 - 8, ":t" }, /* docker.io/library/ */
		{ "docker://", 255 - 5, ".y/ab" },
		{ "dir:", OCI_TEXT_MAX - 5, "" },
		{ "oci:x:", OCI_TEXT_MAX - 7, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_free char *fits = repeated(rows[i].before, 'a', rows[i].most, rows[i].after);
		auto_free char *longer = repeated(rows[i].before, 'a', rows[i].most + 1, rows[i].after);
		auto_free struct oci_place *place = xcalloc(1, sizeof(*place));
		struct err err = ERR_NONE;
		if (oci_place_parse(fits, place, &err) < 0)
			fail_msg("row %zu: %s", i, err.text);
		assert_int_equal(oci_place_parse(longer, place, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

#define GOODS (sizeof(goods) / sizeof(goods[0]))

int main(void)
{
	struct CMUnitTest tests[GOODS + 2];
	size_t count = 0;

	for (size_t i = 0; i < GOODS; i++)
		tests[count++] = (struct CMUnitTest){ .name = goods[i].text,
			.test_func = reads_a_place,
			.initial_state = (void *)(uintptr_t)&goods[i] };
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(refuses_what_is_no_place);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(bounds_names_where_the_grammar_does);
	return _cmocka_run_group_tests("place", tests, count, NULL, NULL);
}
