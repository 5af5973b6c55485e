/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "codec/json.h"
#include "policy/guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define COUNT(list)  (sizeof(list) / sizeof((list)[0]))
#define DIGEST       "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

#define ONE(members) "{\"default\":[{" members "}],\"transports\":{}}"
#define ID(members)  ONE("\"type\":\"sigstoreSigned\",\"signedIdentity\":{" members "}")

/* As one of the guest's own test documents is built: all identities, and a transport that is never looked at. */
static const char whole[] =
		"{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"dir\":{\"\":[{\"type\":"
		"\"insecureAcceptAnything\"}]},"
		"\"docker\":{"
		"\"docker.io/openshift\":[{\"type\":\"insecureAcceptAnything\"}],"
		"\"private.example/exact\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/k/"
		"a.gpg\","
		"\"signedIdentity\":{\"type\":\"matchExact\"}}],"
		"\"private.example\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyData\":"
		"\"bm9uc2Vuc2U=\"}],"
		"\"host:5000/library\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/k/"
		"b.gpg\","
		"\"signedIdentity\":{\"type\":\"exactReference\",\"dockerReference\":\"host:5000/library/"
		"busybox:1\"}}],"
		"\"one.example\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/k/"
		"c.gpg\",\"signedIdentity\":"
		"{\"type\":\"exactRepository\",\"dockerRepository\":\"one.example/a/b\"}}],"
		"\"two.example\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/k/"
		"d.gpg\",\"signedIdentity\":"
		"{\"type\":\"remapIdentity\",\"prefix\":\"two.example\",\"signedPrefix\":\"one.example\"}}],"
		"\"three.example\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"kbs:///default/"
		"cosign-public-key/test\","
		"\"signedIdentity\":{\"type\":\"matchRepository\"}},{\"type\":\"sigstoreSigned\",\"keyData\":"
		"\"x\"}],"
		"\"three.example/img:tag\":[],"
		"\"*.access.example\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/k/"
		"e.gpg\","
		"\"signedIdentity\":{\"type\":\"matchRepoDigestOrExact\"}}],"
		"\"\":[{\"type\":\"reject\"}]}}}";

static int parse(struct span text, struct err *err)
{
	auto_guest_policy struct guest_policy policy = { .json = NULL };

	return guest_policy_parse(text, &policy, err);
}

/* ---- malformed ---- */

static void refuses_nothing_and_each_prefix(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(whole); len++)
		assert_int_equal(parse(span_new(whole, len), NULL), -1);
	assert_int_equal(parse(span_of(whole), NULL), 0);
}

static void refuses_too_much_and_too_deep(void **state)
{
	auto_buf struct buf text = BUF_MAX(4 * GUEST_POLICY_MAX);
	struct err err = ERR_NONE;

	(void)state;
	buf_puts(&text, "{\"default\":[],\"transports\":{},\"x\":\"");
	for (size_t i = 0; i < GUEST_POLICY_MAX; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, "\"}");
	assert_int_equal(parse(buf_span(&text), &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_reset(&text);
	buf_puts(&text, "{\"default\":[],\"transports\":{},\"x\":");
	for (int i = 0; i < 200; i++)
		buf_putc(&text, '[');
	for (int i = 0; i < 200; i++)
		buf_putc(&text, ']');
	buf_putc(&text, '}');
	assert_int_equal(parse(buf_span(&text), NULL), -1);
}

static const struct {
	const char *text, *words; /* of the error; NULL: readable */
} documents[] = {
	{ "{\"default\":[],\"transports\":{}}", NULL },
	{ "{\"default\":[],\"transports\":{\"docker\":{}}}", NULL },
	{ " {\"transports\":{},\"default\":[]}\n", NULL },
	{ ONE("\"type\":\"reject\""), NULL },
	{ ONE("\"type\":\"insecureAcceptAnything\""), NULL },
	/* what is not known is ignored, so that these end without a key */
	{ ONE("\"type\":\"reject\",\"keyPath\":7"), NULL },
	{ ONE("\"type\":\"sigstoreSigned\",\"keyPaths\":[\"a\"],\"fulcio\":{},\"rekorPublicKeyPath\":\"b\""),
			NULL },
	{ "{\"default\":[],\"transports\":{},\"extra\":[1]}", NULL },
	{ ONE("\"type\":\"sigstoreSigned\""), NULL },
	{ ONE("\"type\":\"sigstoreSigned\",\"keyPath\":null,\"keyData\":null,\"signedIdentity\":null"),
			NULL },
	{ ONE("\"type\":\"signedBy\",\"keyType\":\"anything\""), NULL },
	{ ID("\"type\":\"matchExact\",\"more\":1"), NULL },
	{ ID("\"type\":\"remapIdentity\",\"prefix\":\"\",\"signedPrefix\":\"\""), NULL },
	/* what the documentation shows lacks transports */
	{ "{\"default\":[{\"type\":\"reject\"}]}", "'transports' is missing" },
	{ "{\"transports\":{}}", "'default' is missing" },
	{ "[]", "must be an object" },
	{ "\"x\"", "" },
	{ "{\"default\":{},\"transports\":{}}", "'default' must be an array" },
	{ "{\"default\":null,\"transports\":{}}", "'default' must be an array" },
	{ "{\"default\":[],\"transports\":null}", "transports" },
	{ "{\"default\":[],\"transports\":[]}", "transports" },
	{ "{\"default\":[],\"transports\":{\"docker\":[]}}", "'transports.docker' must be an object" },
	{ "{\"default\":[],\"transports\":{\"docker\":{\"a\":{}}}}", "transports.docker[\"a\"]" },
	{ "{\"default\":[],\"transports\":{\"docker\":{\"a\":null}}}", "transports.docker[\"a\"]" },
	{ "{\"default\":[\"reject\"],\"transports\":{}}", "'default[0]' must be an object" },
	{ ONE("\"typ\":\"reject\""), "type" },
	{ ONE("\"type\":null"), "type" },
	{ ONE("\"type\":\"Reject\""), "'Reject', which the guest does not know" },
	{ ONE("\"type\":\"signedBaseLayer\""), "does not know" },
	/* an error in a scope of a transport that is never looked at, too */
	{ "{\"default\":[],\"transports\":{\"dir\":{\"\":[{\"type\":\"sigstore\"}]}}}",
			"transports.dir[\"\"][0].type" },
	{ ONE("\"type\":\"signedBy\""), "keyType" },
	{ ONE("\"type\":\"signedBy\",\"keyType\":null"), "keyType" },
	{ ONE("\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":1"), "keyPath" },
	{ ONE("\"type\":\"sigstoreSigned\",\"keyData\":[\"x\"]"), "keyData" },
	{ ONE("\"type\":\"sigstoreSigned\",\"signedIdentity\":\"matchExact\""), "signedIdentity" },
	{ ID(""), "signedIdentity" },
	{ ID("\"type\":\"matchAnything\""), "matchAnything" },
	{ ID("\"type\":\"exactReference\""), "dockerReference" },
	{ ID("\"type\":\"exactReference\",\"dockerReference\":1"), "dockerReference" },
	{ ID("\"type\":\"exactRepository\",\"dockerReference\":\"a\""), "dockerRepository" },
	{ ID("\"type\":\"remapIdentity\",\"prefix\":\"a\""), "signedPrefix" },
	{ ID("\"type\":\"remapIdentity\",\"signedPrefix\":\"a\""), "prefix" },
	{ "{\"default\":[],\"default\":[],\"transports\":{}}", "" },
	{ "{\"default\":[],\"transports\":{\"docker\":{\"a\":[],\"a\":[{\"type\":\"reject\"}]}}}", "" },
	{ "{\"default\":[],\"transports\":{}} x", "" },
	{ "{\"default\":[],\"transports\":{},}", "" },
	{ "{\"default\":[],\"transports\":{},\"\xff\":1}", "" },
};

static void reads_what_the_guest_reads_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(documents); i++) {
		struct err err = ERR_NONE;
		int status = parse(span_of(documents[i].text), &err);

		if ((status == 0) != !documents[i].words)
			fail_msg("%s: %s", documents[i].text, status ? err.text : "was read");
		if (documents[i].words && !strstr(err.text, documents[i].words))
			fail_msg("%s: %s", documents[i].text, err.text);
	}
}

/* ---- look-up ---- */

static void finds_the_scope_that_the_guest_finds(void **state)
{
	static const struct {
		const char *text, *scope;
	} cases[] = {
		{ "docker.io/openshift/a:1", "docker.io/openshift" },
		{ "openshift/a", "docker.io/openshift" },
		{ "busybox", "" },
		{ "private.example/exact:1", "private.example/exact" },
		{ "private.example/exact/deeper:1", "private.example/exact" },
		{ "private.example/exactly:1", "private.example" },
		{ "host:5000/library/busybox", "host:5000/library" },
		{ "host:5000/other/busybox", "" },
		{ "host:5001/library/busybox", "" },
		{ "three.example/img:tag", "three.example/img:tag" },
		/* pinned, or of another tag: not the whole text */
		{ "three.example/img:tag@" DIGEST, "three.example" },
		{ "three.example/img", "three.example" },
		{ "reg.access.example/x", "*.access.example" },
		{ "reg.access.example:8443/x", "*.access.example" },
		{ "a.b.access.example/x", "*.access.example" },
		{ "access.example/x", "" },
		/* hosts as they are written */
		{ "Private.Example/x", "" },
		{ "private.example:443/x", "" },
	};
	auto_guest_policy struct guest_policy policy = { .json = NULL };

	(void)state;
	assert_int_equal(guest_policy_parse(span_of(whole), &policy, NULL), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct oci_name name;
		const char *scope = NULL;

		assert_int_equal(guest_reference(cases[i].text, &name, NULL), 0);
		const json_t *found = guest_policy_find(&policy, &name, &scope);
		if (strcmp(scope, cases[i].scope) != 0)
			fail_msg("%s: scope '%s', not '%s'", cases[i].text, scope, cases[i].scope);
		assert_ptr_equal(found,
				json_object_get(json_at(policy.json, "transports", "docker", NULL), scope));
	}
}

static void falls_back_to_the_default(void **state)
{
	static const char *const cases[] = {
		"{\"default\":[],\"transports\":{}}",
		"{\"default\":[],\"transports\":{\"docker\":{\"quay.io\":[{\"type\":\"reject\"}]}}}",
		"{\"default\":[],\"transports\":{\"docker-daemon\":{\"docker.io\":[{\"type\":\"reject\"}]}}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_guest_policy struct guest_policy policy = { .json = NULL };
		struct oci_name name;
		const char *scope = NULL;

		assert_int_equal(guest_policy_parse(span_of(cases[i]), &policy, NULL), 0);
		assert_int_equal(guest_reference("busybox", &name, NULL), 0);
		assert_ptr_equal(guest_policy_find(&policy, &name, &scope),
				json_object_get(policy.json, "default"));
		assert_string_equal(scope, "default");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_nothing_and_each_prefix),
		cmocka_unit_test(refuses_too_much_and_too_deep),
		cmocka_unit_test(reads_what_the_guest_reads_and_nothing_else),
		cmocka_unit_test(finds_the_scope_that_the_guest_finds),
		cmocka_unit_test(falls_back_to_the_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
