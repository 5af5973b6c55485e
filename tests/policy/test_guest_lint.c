/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
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

#define ALL(list)    "{\"default\":[" list "],\"transports\":{}}"
#define SCOPE(s, l)  "{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"" s "\":[" l "]}}}"
#define REJECT       "{\"type\":\"reject\"}"
#define ACCEPT       "{\"type\":\"insecureAcceptAnything\"}"
#define COSIGN(rest) "{\"type\":\"sigstoreSigned\"" rest "}"
#define GPG(rest)    "{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\"" rest "}"
#define PATH         ",\"keyPath\":\"kbs:///default/key/1\""
#define SAME         ",\"signedIdentity\":{\"type\":\"matchRepository\"}"
#define PEM                                                                                                \
	"-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEUadYCDOJjqGxg8vXNQpAmQeMbvHB\\n" \
	"4Y6XDNdoMDXyXn0BEFInErC1p8/wgWhUhphKlOaDHtrEbnNg+p2DSnqBoQ==\\n-----END PUBLIC KEY-----\\n"
#define PEM_BASE64 \
	"LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFVWFkWUNE\
T0pqcUd4Zzh2WE5RcEFtUWVNYnZIQgo0WTZYRE5kb01EWHlYbjBCRUZJbkVyQzFwOC93Z1doVWhwaEtsT2FESHRyRWJuTmcrcDJE\
U25xQm9RPT0KLS0tLS1FTkQgUFVCTElDIEtFWS0tLS0tCg=="

/* Findings as lines "level path: message". */
static char *lines_of(const char *text)
{
	auto_json json_t *findings = json_array();
	auto_buf struct buf out = BUF_MAX(1 << 20);
	const json_t *finding;
	size_t i;

	guest_policy_lint(span_of(text), findings);
	json_array_foreach (findings, i, finding)
		buf_printf(&out, "%s %s: %s\n", json_text_at(finding, "level", NULL),
				json_text_at(finding, "path", NULL), json_text_at(finding, "message", NULL));
	return xstrdup(buf_text(&out));
}

/* all findings, globs, a line each */
static const struct {
	const char *text, *wanted;
} cases[] = {
	{ ALL(REJECT), "" },
	{ ALL(COSIGN(PATH SAME)), "" },
	{ ALL(COSIGN(",\"keyData\":\"" PEM "\"" SAME)), "" },
	{ "", "error : the guest refuses every image (Invalid image policy file): *" },
	{ "{\"default\":[]}",
			"error : *'transports' is missing*\nwarning default: an empty array "
			"allows*" },
	{ "{\"default\":[" REJECT "],\"default\":[],\"transports\":{}}",
			"error : *Invalid image policy file*" },
	{ ALL("{\"type\":\"signedBaseLayer\"}"), "error : *'default[0].type' is 'signedBaseLayer'*" },
	{ ALL(ACCEPT), "warning default: images that no scope names are accepted unchecked*" },
	{ ALL(""), "warning default: an empty array allows every image*" },
	{ ALL(REJECT ",{\"type\":\"reject\",\"kyeType\":1}"),
			"warning default[1].kyeType: the guest ignores this member*" },
	{ "{\"default\":[" REJECT "],\"transports\":{},\"defualt\":[]}",
			"warning defualt: the guest ignores this member: was 'default' meant?" },
	{ "{\"default\":[" REJECT "],\"transports\":{\"dir\":{\"\":[]},\"docker-daemon\":{}}}",
			"warning transports.dir: the guest ignores this transport*\n"
			"warning transports.docker-daemon: the guest ignores*" },
	/* keys */
	{ ALL(COSIGN(SAME)), "error default[0]: refuses every image: neither*" },
	{ ALL(COSIGN(",\"keyData\":\"" PEM "\"" PATH SAME)), "error default[0]: refuses every image: both*" },
	{ ALL(COSIGN(",\"keyData\":\"" PEM_BASE64 "\"" SAME)),
			"error default[0].keyData: *this is base64, podman's form*" },
	{ ALL(COSIGN(",\"keyData\":\"nonsense\"" SAME)),
			"error default[0].keyData: *failed to build public key verifier*" },
	{ ALL(COSIGN(",\"keyPaths\":[\"/a\"]" SAME)),
			"warning default[0].keyPaths: the guest ignores this member, which podman "
			"obeys*\n"
			"error default[0]: *neither*" },
	{ ALL(COSIGN(",\"fulcio\":{},\"rekorPublicKeyPath\":\"/a\"" PATH SAME)),
			"warning default[0].fulcio: *no keyless*\nwarning "
			"default[0].rekorPublicKeyPath: *" },
	{ ALL(COSIGN(",\"keydata\":\"x\"" PATH SAME)), "warning default[0].keydata: *was 'keyData' meant?" },
	{ ALL(COSIGN(",\"keyPath\":\"/etc/key.pub\"" SAME)),
			"warning default[0].keyPath: *guest's own image*" },
	{ ALL(COSIGN(",\"keyPath\":\"file:///k\"" SAME)), "warning default[0].keyPath: *guest's own image*" },
	{ ALL(COSIGN(",\"keyPath\":\"https://k.example\"" SAME)),
			"error default[0].keyPath: Resource URI scheme https not supported*" },
	{ ALL(COSIGN(",\"keyPath\":\"kbs:///only/two\"" SAME)),
			"error default[0].keyPath: no key broker has such a resource*" },
	{ ALL(COSIGN(",\"keyPath\":\"kbs://kbs.example/a/b/c\"" SAME)),
			"warning default[0].keyPath: the guest ignores the address 'kbs.example'*" },
	/* identities */
	{ ALL(COSIGN(PATH)), "warning default[0]: without signedIdentity the guest compares no names*" },
	{ ALL(COSIGN(PATH ",\"signedIdentity\":{\"type\":\"matchExact\"}")),
			"error default[0].signedIdentity: refuses every image*" },
	{ ALL(COSIGN(PATH ",\"signedIdentity\":{\"type\":\"matchRepoDigestOrExact\"}")),
			"error default[0].signedIdentity: refuses every image*" },
	{ ALL(COSIGN(PATH ",\"signedIdentity\":{\"type\":\"exactReference\",\"dockerReference\":"
			  "\"a\"}")),
			"error default[0].signedIdentity: refuses every image*" },
	{ ALL(COSIGN(PATH ",\"signedIdentity\":{\"type\":\"exactRepository\",\"dockerRepository\":"
			  "\"quay.io/a/b\"}")),
			"" },
	{ ALL(COSIGN(PATH ",\"signedIdentity\":{\"type\":\"exactRepository\",\"dockerRepository\":"
			  "\"a/b\"}")),
			"error default[0].signedIdentity.dockerRepository: no signature is ever of "
			"this*" },
	/* GPG */
	{ ALL(GPG(PATH SAME)), "" },
	{ ALL("{\"type\":\"signedBy\",\"keyType\":\"X\"" PATH SAME "}"),
			"error default[0].keyType: *GPGKeys alone" },
	{ ALL(GPG(PATH)), "warning default[0]: *the default,*drop the tag*" },
	{ ALL(GPG(PATH ",\"signedIdentity\":{\"type\":\"matchExact\"}")),
			"warning default[0].signedIdentity: with matchExact*named by a digest" },
	{ ALL(GPG(PATH ",\"signedIdentity\":{\"type\":\"remapIdentity\",\"prefix\":\"a.b/"
		       "c\",\"signedPrefix\":\"d\"}")),
			"warning default[0].signedIdentity.prefix: *wherever it ends*" },
	{ ALL(GPG(",\"keyData\":\"-----BEGIN PGP\"" SAME)),
			"error default[0].keyData: *base64 of a key ring, also of an armored one*" },
	{ ALL(GPG(",\"keyData\":\"bm9uc2Vuc2U=\"" SAME)), "error default[0].keyData: *holds no key ring*" },
	/* scopes */
	{ SCOPE("registry.example/shop", REJECT), "" },
	{ SCOPE("registry.example:5000", REJECT), "" },
	{ SCOPE("localhost", REJECT), "" },
	{ SCOPE("", REJECT), "" },
	{ SCOPE("*.example.com", REJECT), "" },
	{ SCOPE("docker.io/library/busybox", REJECT), "" },
	{ SCOPE("docker.io/opensuse", REJECT), "" },
	{ SCOPE("busybox", REJECT), "error transports.docker[\"busybox\"]: this scope is never hit: *" },
	{ SCOPE("busybox:latest", REJECT), "error *never hit*" },
	{ SCOPE("team/app", REJECT), "error *never hit*docker.io/team/app" },
	{ SCOPE("docker.io/busybox:1", REJECT), "error *never hit*'docker.io/library/busybox:1'*" },
	{ SCOPE("index.docker.io/team/app:1", REJECT), "error *never hit*'docker.io/team/app:1'*" },
	{ SCOPE("quay.io/Team/app", REJECT), "error *never hit*" },
	{ SCOPE("https://quay.io/team", REJECT), "error *never hit*" },
	{ SCOPE("quay.io/team/", REJECT), "error *never hit*" },
	{ SCOPE("*.example.com:5000", REJECT), "error *never hit: a wildcard is*" },
	{ SCOPE("*.example.com/team", REJECT), "error *never hit*" },
	{ SCOPE("registry.*.com", REJECT), "error *never hit*" },
	{ SCOPE("*", REJECT), "error *never hit*" },
	{ SCOPE("quay.io/a/b:1", REJECT), "warning *hit by this very reference alone*" },
	{ SCOPE("quay.io/a/b@" DIGEST, REJECT), "warning *hit by this very reference alone, not*" },
	{ SCOPE("mirror.example", ACCEPT), "warning transports.docker[\"mirror.example\"]: *not checked" },
	{ SCOPE("mirror.example", ""),
			"warning *empty array*\nwarning transports.docker[\"mirror.example\"]: *not "
			"checked" },
	{ SCOPE("quay.io/\\u0007x", REJECT), "error transports.docker[\"quay.io/?x\"]: *never hit*" },
};

static void finds_what_is_wrong_or_dangerous(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *found = lines_of(cases[i].text);
		auto_free char *wanted = xasprintf("%s%s", cases[i].wanted, *cases[i].wanted ? "\n" : "");
		struct span rest = span_of(found), globs = span_of(wanted), line, glob;
		size_t matched = 0;

		while (span_next(&globs, '\n', &glob) && span_next(&rest, '\n', &line) && glob.len)
			matched += span_glob(glob, line);
		size_t lines = 0, expected = 0;
		for (const char *at = found; *at; at++)
			lines += *at == '\n';
		for (const char *at = wanted; *at; at++)
			expected += *at == '\n';
		if (matched != expected || lines != expected)
			fail_msg("%s:\n%s\nwanted:\n%s", cases[i].text, found, wanted);
	}
}

static void has_a_bound(void **state)
{
	auto_buf struct buf text = BUF_MAX(1 << 20);
	auto_json json_t *findings = json_array();

	(void)state;
	buf_puts(&text, "{\"default\":[");
	for (int i = 0; i < 2000; i++)
		buf_printf(&text, "%s{\"type\":\"sigstoreSigned\"}", i ? "," : "");
	buf_puts(&text, "],\"transports\":{}}");
	guest_policy_lint(buf_span(&text), findings);
	assert_int_equal(json_array_size(findings), 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_wrong_or_dangerous),
		cmocka_unit_test(has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
