/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "codec/json.h"
#include "policy/guest_own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define HEX         "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define DIGEST      "sha256:" HEX

/* ---- names ---- */

static void reads_names_as_the_guest_does(void **state)
{
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{ "busybox", "docker.io/library/busybox:latest" },
		{ "busybox:1", "docker.io/library/busybox:1" },
		{ "team/app", "docker.io/team/app:latest" },
		{ "docker.io/busybox", "docker.io/library/busybox:latest" },
		{ "index.docker.io/busybox", "docker.io/library/busybox:latest" },
		/* quirks: the endpoint of docker.io is a registry of its own, case and port stay */
		{ "registry-1.docker.io/xynnn007/cosign-err",
				"registry-1.docker.io/xynnn007/cosign-err:latest" },
		{ "registry-1.docker.io/busybox", "registry-1.docker.io/busybox:latest" },
		{ "Registry.Example:443/app:1", "Registry.Example:443/app:1" },
		{ "localhost/app", "localhost/app:latest" },
		{ "test:5000/library/busybox@" DIGEST, "test:5000/library/busybox@" DIGEST },
		/* both are kept */
		{ "quay.io/a/b:1@" DIGEST, "quay.io/a/b:1@" DIGEST },
		{ "busybox@" DIGEST, "docker.io/library/busybox@" DIGEST },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char whole[OCI_NAME_MAX];
		struct oci_name name;
		struct err err = ERR_NONE;

		if (guest_reference(cases[i].text, &name, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		oci_name_format(&name, whole);
		assert_string_equal(whole, cases[i].canonical);
	}
}

static void refuses_what_is_no_reference(void **state)
{
	static const char *const cases[] = { "", ":justtag", "docker.io//library///repo:tag",
		"docker.io/library/repo::tag", "docker.io/library/", "repo@@@" DIGEST, "*:tag",
		"***/&/repo:tag", "@" DIGEST, "repo@sha256:ffffffff", "validname@invaliddigest:" HEX,
		"Uppercase:tag", "test:5000/Uppercase/lowercase:tag", "aa/asdf$$^/aa", HEX HEX HEX HEX HEX };
	struct oci_name name;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_NONE;

		if (guest_reference(cases[i], &name, &err) == 0)
			fail_msg("'%s' was read", cases[i]);
		assert_true(span_starts(span_of(err.text), "Illegal image reference: "));
	}
}

struct list {
	char text[2048];
};

static bool collect(void *ctx, const char *scope)
{
	struct list *list = ctx;
	size_t len = strlen(list->text);

	snprintf(list->text + len, sizeof(list->text) - len, "%s%s", len ? " " : "", scope);
	return false;
}

static void looks_scopes_up_in_the_guests_order(void **state)
{
	static const struct {
		const char *text, *scopes;
	} cases[] = {
		{ "docker.io/opensuse/leap:15.3",
				"docker.io/opensuse/leap:15.3 docker.io/opensuse/leap docker.io/opensuse "
				"docker.io *.io" },
		{ "test:5000/library/busybox:latest",
				"test:5000/library/busybox:latest test:5000/library/busybox "
				"test:5000/library test:5000" },
		{ "test:5000/library/busybox@" DIGEST,
				"test:5000/library/busybox@" DIGEST
				" test:5000/library/busybox test:5000/library test:5000" },
		{ "registry.access.redhat.com/busybox:latest",
				"registry.access.redhat.com/busybox:latest "
				"registry.access.redhat.com/busybox "
				"registry.access.redhat.com *.access.redhat.com *.redhat.com *.com" },
		{ "example.com:8443/ns/a",
				"example.com:8443/ns/a:latest example.com:8443/ns/a example.com:8443/ns "
				"example.com:8443 "
				"*.com" },
		{ "quay.io/a:1@" DIGEST, "quay.io/a:1@" DIGEST " quay.io/a quay.io *.io" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct list list = { .text = "" };
		struct oci_name name;

		assert_int_equal(guest_reference(cases[i].text, &name, NULL), 0);
		assert_false(guest_scopes(&name, collect, &list));
		assert_string_equal(list.text, cases[i].scopes);
	}
}

/* ---- identities ---- */

#define EXACT      "{\"type\":\"matchExact\"}"
#define STANDARD   "{\"type\":\"matchRepoDigestOrExact\"}"
#define REPOSITORY "{\"type\":\"matchRepository\"}"
#define REFERENCE  "{\"type\":\"exactReference\",\"dockerReference\":\"docker.io/mylib/busybox:latest\"}"
#define EXACT_REPO "{\"type\":\"exactRepository\",\"dockerRepository\":\"docker.io/mylib/busybox\"}"
#define REMAP      "{\"type\":\"remapIdentity\",\"prefix\":\"docker.io\",\"signedPrefix\":\"quay.io\"}"
#define BUSYBOX    "docker.io/example/busybox"

static const struct {
	const char *identity, *reference, *signed_as;
	bool matches;
} identities[] = {
	{ EXACT, BUSYBOX ":latest", BUSYBOX ":latest", true },
	{ EXACT, BUSYBOX ":latest", BUSYBOX ":tag", false },
	/* any digest is refused, even when both are the same */
	{ EXACT, BUSYBOX "@" DIGEST, BUSYBOX "@" DIGEST, false },
	{ EXACT, BUSYBOX ":latest@" DIGEST, BUSYBOX ":latest@" DIGEST, false },
	/* the reference is canonical, the signature's name is compared as it stands */
	{ EXACT, "busybox", "docker.io/library/busybox:latest", true },
	{ EXACT, "busybox:latest", "busybox:latest", false },
	{ EXACT, BUSYBOX, BUSYBOX, false },
	{ STANDARD, BUSYBOX ":latest", BUSYBOX ":latest", true },
	{ STANDARD, BUSYBOX ":latest", BUSYBOX ":tag", false },
	{ STANDARD, BUSYBOX ":latest", BUSYBOX, false },
	{ STANDARD, BUSYBOX "@" DIGEST, BUSYBOX ":tag", true },
	{ STANDARD, BUSYBOX "@" DIGEST, BUSYBOX, true },
	{ STANDARD, BUSYBOX "@" DIGEST, "docker.io/other/busybox:tag", false },
	{ STANDARD, "busybox@" DIGEST, "busybox:1", true },
	/* with both, the whole text has to be signed */
	{ STANDARD, BUSYBOX ":latest@" DIGEST, BUSYBOX ":latest", false },
	{ STANDARD, BUSYBOX ":latest@" DIGEST, BUSYBOX ":latest@" DIGEST, true },
	{ REPOSITORY, BUSYBOX ":latest", BUSYBOX ":tag", true },
	{ REPOSITORY, BUSYBOX ":latest@" DIGEST, BUSYBOX, true },
	{ REPOSITORY, "docker.io/library/busybox", "busybox", true },
	{ REPOSITORY, BUSYBOX ":latest", "docker.io/example/busybox/more:latest", false },
	{ REPOSITORY, BUSYBOX ":latest", "", false },
	{ REPOSITORY, BUSYBOX ":latest", "UPPER/case", false },
	/* hosts are compared with their case and port */
	{ REPOSITORY, "Registry.Example:443/app:1", "registry.example/app:1", false },
	{ REPOSITORY, "Registry.Example:443/app:1", "Registry.Example:443/app:1", true },
	{ REFERENCE, BUSYBOX ":latest", "docker.io/mylib/busybox:latest", true },
	{ REFERENCE, BUSYBOX ":latest", BUSYBOX ":latest", false },
	{ REFERENCE, BUSYBOX ":latest", "mylib/busybox:latest", false },
	{ EXACT_REPO, BUSYBOX ":latest", "docker.io/mylib/busybox:tag", true },
	{ EXACT_REPO, BUSYBOX ":latest", "mylib/busybox", true },
	{ EXACT_REPO, BUSYBOX ":latest", BUSYBOX, false },
	/* dockerRepository is not made canonical */
	{ "{\"type\":\"exactRepository\",\"dockerRepository\":\"mylib/busybox\"}", BUSYBOX ":latest",
			"mylib/busybox", false },
	{ REMAP, BUSYBOX ":latest", "quay.io/example/busybox:latest", true },
	{ REMAP, BUSYBOX ":latest", BUSYBOX ":latest", false },
	{ REMAP, BUSYBOX "@" DIGEST, "quay.io/example/busybox:9", true },
	{ REMAP, "ghcr.io/example/busybox:1", "ghcr.io/example/busybox:1", true },
	/* no boundary is looked for */
	{ "{\"type\":\"remapIdentity\",\"prefix\":\"docker.io/ex\",\"signedPrefix\":\"quay.io/x\"}",
			BUSYBOX ":latest", "quay.io/xample/busybox:latest", true },
	/* what comes out must be a reference */
	{ "{\"type\":\"remapIdentity\",\"prefix\":\"docker.io\",\"signedPrefix\":\"QUAY IO\"}",
			BUSYBOX ":latest", "QUAY IO/example/busybox:latest", false },
	{ "{\"type\":\"remapIdentity\",\"prefix\":\"\",\"signedPrefix\":\"\"}", BUSYBOX ":latest",
			BUSYBOX ":latest", true },
};

static void matches_identities_as_the_guest_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(identities); i++) {
		auto_json json_t *identity = json_loads(identities[i].identity, 0, NULL);
		struct oci_name name;

		assert_int_equal(guest_reference(identities[i].reference, &name, NULL), 0);
		const char *failed = guest_identity(identity, &name, identities[i].signed_as);
		if (!failed != identities[i].matches)
			fail_msg("%s of %s, signed as %s: %s", identities[i].identity,
					identities[i].reference, identities[i].signed_as,
					failed ? failed : "matches");
	}
}

static void never_promises_refusal_where_something_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(identities); i++) {
		auto_json json_t *identity = json_loads(identities[i].identity, 0, NULL);
		struct oci_name name;

		assert_int_equal(guest_reference(identities[i].reference, &name, NULL), 0);
		/* a name that holds a digest is nothing that a signer writes */
		if (identities[i].matches && !strchr(identities[i].signed_as, '@'))
			assert_null(guest_identity_never(identity, &name));
	}
}

static void says_the_guests_words(void **state)
{
	auto_json json_t *identity = json_loads(EXACT, 0, NULL);
	struct oci_name name;

	(void)state;
	assert_int_equal(guest_reference(BUSYBOX "@" DIGEST, &name, NULL), 0);
	assert_string_equal(guest_identity(identity, &name, BUSYBOX),
			"Can not reference the image with the digest in matchExact policy.");
	assert_int_equal(guest_reference(BUSYBOX ":1", &name, NULL), 0);
	assert_string_equal(guest_identity(identity, &name, BUSYBOX), "Match reference failed.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_names_as_the_guest_does),
		cmocka_unit_test(refuses_what_is_no_reference),
		cmocka_unit_test(looks_scopes_up_in_the_guests_order),
		cmocka_unit_test(matches_identities_as_the_guest_does),
		cmocka_unit_test(never_promises_refusal_where_something_matches),
		cmocka_unit_test(says_the_guests_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
