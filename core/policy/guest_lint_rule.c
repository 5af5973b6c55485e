/* SPDX-License-Identifier: Apache-2.0 */
/* One requirement of a policy.json looked at for people (image-trust.md, 2.1, 2.2, 3, 6). */
#include "base/b64.h"
#include "base/closest.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "kbs/uri.h"
#include "policy/guest_own.h"
#include "policy/simple.h"

#include <stdio.h>
#include <string.h>

#define PATH_LEN_MAX 512

struct rule {
	json_t *json;
	const char *path;
	json_t *findings;
};

#define FIND(rule, level, member, ...)                                              \
	do {                                                                        \
		char find_at[PATH_LEN_MAX];                                         \
		snprintf(find_at, sizeof(find_at), "%s%s", (rule)->path, (member)); \
		guest_find((rule)->findings, (level), find_at, __VA_ARGS__);        \
	} while (0)

static const char *text_of(const struct rule *rule, const char *key)
{
	return json_text_at(rule->json, key, NULL);
}

/* ---- members that the guest does not know ---- */

static void lint_members(const struct rule *rule, const char *const *known)
{
	/* of newer containers-policy.json(5), which other readers obey */
	static const char *const elsewhere[] = { "keyPaths", "keyDatas", "fulcio", "rekorPublicKeyPath",
		"rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas", "pki", NULL };
	json_t *value;
	const char *key;

	json_object_foreach (rule->json, key, value) {
		const char *meant = closest_word(key, known);
		bool is_known = false, is_elsewhere = false;
		char member[PATH_LEN_MAX];

		for (size_t i = 0; known[i]; i++)
			is_known |= strcmp(known[i], key) == 0;
		for (size_t i = 0; elsewhere[i]; i++)
			is_elsewhere |= strcmp(elsewhere[i], key) == 0;
		snprintf(member, sizeof(member), ".%.200s", key);
		if (is_known)
			continue;
		if (is_elsewhere)
			FIND(rule, "warning", member,
					"the guest ignores this member, which podman obeys: it takes exactly "
					"one of keyPath "
					"and keyData, and no keyless signatures");
		else
			FIND(rule, "warning", member, "the guest ignores this member%s%s%s",
					meant ? ": was '" : "", meant ? meant : "", meant ? "' meant?" : "");
	}
}

/* ---- keys ---- */

static void lint_path(const struct rule *rule, const char *path)
{
	const char *scheme_end = strstr(path, "://");
	struct err err = ERR_NONE;
	struct kbs_uri uri;

	if (!scheme_end || strncmp(path, "file://", 7) == 0) {
		FIND(rule, "warning", ".keyPath",
				"this is a file in the guest's own image; keys of owners are given out as "
				"kbs:///repository/type/tag");
		return;
	}
	if (strncmp(path, "kbs://", 6) != 0 && strncmp(path, "kbs+", 4) != 0) {
		FIND(rule, "error", ".keyPath",
				"Resource URI scheme %.*s not supported: the guest takes kbs:///…, file:/// "
				"and a path",
				(int)(scheme_end - path), path);
		return;
	}
	if (kbs_uri_parse(span_of(path), &uri, &err) < 0 || kbs_uri_check(&uri, &err) < 0)
		FIND(rule, "error", ".keyPath", "no key broker has such a resource: %s", err.text);
	else if (uri.address[0])
		FIND(rule, "warning", ".keyPath",
				"the guest ignores the address '%s' and asks the broker that it is "
				"configured for",
				uri.address);
}

/* Is there exactly one of the two, and which? */
static bool lint_choice(const struct rule *rule)
{
	bool path = text_of(rule, "keyPath"), data = text_of(rule, "keyData");

	if (path && data)
		FIND(rule, "error", "", "refuses every image: both keyPath and keyData are specified");
	if (!path && !data)
		FIND(rule, "error", "", "refuses every image: neither keyPath nor keyData is specified");
	if (path)
		lint_path(rule, text_of(rule, "keyPath"));
	return data;
}

static void lint_pem(const struct rule *rule, const char *data)
{
	auto_buf struct buf decoded = BUF_MAX(GUEST_POLICY_MAX);
	auto_pkey struct pkey *key = NULL;
	struct err err = ERR_NONE;

	if (guest_key_parse(data, &key, &err) == 0)
		return;
	if (b64_decode(span_trim(span_of(data)), &decoded, NULL) == 0 &&
			strstr(buf_text(&decoded), "-----BEGIN "))
		FIND(rule, "error", ".keyData",
				"refuses every image: this is base64, podman's form; the guest takes the PEM "
				"text itself "
				"as keyData of sigstoreSigned. No text serves both: use keyPath");
	else
		FIND(rule, "error", ".keyData",
				"refuses every image (failed to build public key verifier): %s", err.text);
}

static void lint_ring(const struct rule *rule, const char *data)
{
	auto_buf struct buf decoded = BUF_MAX(SIMPLE_RING_MAX);
	auto_simple_ring struct simple_ring *ring = NULL;
	struct err err = ERR_NONE;

	if (b64_decode(span_of(data), &decoded, &err) < 0)
		FIND(rule, "error", ".keyData",
				"refuses every image: keyData of signedBy is base64 of a key ring%s: %s",
				strstr(data, "-----BEGIN ") ? ", also of an armored one" : "", err.text);
	else if (simple_ring_parse(buf_span(&decoded), &ring, &err) < 0)
		FIND(rule, "error", ".keyData", "refuses every image: it holds no key ring: %s", err.text);
}

/* ---- identities ---- */

static void lint_sigstore_identity(const struct rule *rule, const char *type)
{
	if (!type)
		FIND(rule, "warning", "",
				"without signedIdentity the guest compares no names: a signature that was "
				"copied from "
				"another repository is accepted (podman would demand "
				"matchRepoDigestOrExact); add "
				"{\"type\":\"matchRepository\"}");
	else if (strcmp(type, "matchRepository") != 0 && strcmp(type, "exactRepository") != 0)
		FIND(rule, "error", ".signedIdentity",
				"refuses every image: with sigstoreSigned the guest takes matchRepository "
				"and "
				"exactRepository alone");
}

static void lint_simple_identity(const struct rule *rule, const char *type)
{
	const char *prefix = json_text_at(rule->json, "signedIdentity", "prefix", NULL);

	if (type && strcmp(type, "matchExact") == 0)
		FIND(rule, "warning", ".signedIdentity",
				"with matchExact the guest refuses every image that is named by a digest");
	else if (!type || strcmp(type, "matchRepoDigestOrExact") == 0)
		FIND(rule, "warning", type ? ".signedIdentity" : "",
				"with matchRepoDigestOrExact%s the guest refuses names with both tag and "
				"digest: drop the "
				"tag of pinned images",
				type ? "" : ", the default,");
	if (type && strcmp(type, "remapIdentity") == 0 && prefix && *prefix &&
			!span_ends(span_of(prefix), "/"))
		FIND(rule, "warning", ".signedIdentity.prefix",
				"the guest replaces this text wherever it ends: 'host/a' is also the "
				"beginning of "
				"host/another");
}

/* Names that are compared as they stand with what the guest made canonical. */
static void lint_identity_names(const struct rule *rule)
{
	const char *repository = json_text_at(rule->json, "signedIdentity", "dockerRepository", NULL);
	char canonical[GUEST_REPOSITORY_MAX];
	struct oci_name name;

	if (!repository)
		return;
	if (guest_reference(repository, &name, NULL) == 0) {
		guest_repository(&name, canonical);
		if (strcmp(canonical, repository) == 0)
			return;
	}
	FIND(rule, "error", ".signedIdentity.dockerRepository",
			"no signature is ever of this: the guest compares it as it stands with "
			"host/repository of the "
			"signed name");
}

/* ---- requirements ---- */

static void lint_sigstore(const struct rule *rule)
{
	static const char *const known[] = { "type", "keyPath", "keyData", "signedIdentity", NULL };

	lint_members(rule, known);
	if (lint_choice(rule))
		lint_pem(rule, text_of(rule, "keyData"));
	lint_sigstore_identity(rule, json_text_at(rule->json, "signedIdentity", "type", NULL));
	lint_identity_names(rule);
}

static void lint_simple(const struct rule *rule)
{
	static const char *const known[] = { "type", "keyType", "keyPath", "keyData", "signedIdentity",
		NULL };
	const char *key_type = text_of(rule, "keyType");

	lint_members(rule, known);
	if (key_type && strcmp(key_type, "GPGKeys") != 0)
		FIND(rule, "error", ".keyType", "refuses every image: the guest supports GPGKeys alone");
	if (lint_choice(rule))
		lint_ring(rule, text_of(rule, "keyData"));
	lint_simple_identity(rule, json_text_at(rule->json, "signedIdentity", "type", NULL));
	lint_identity_names(rule);
}

void guest_lint_requirement(json_t *requirement, const char *path, json_t *findings)
{
	static const char *const known[] = { "type", NULL };
	const struct rule rule = { .json = requirement, .path = path, .findings = findings };
	const char *type = json_text_at(requirement, "type", NULL);

	/* what has no type, or one that is not known, is an error of the whole document */
	if (!type)
		return;
	if (strcmp(type, "sigstoreSigned") == 0)
		lint_sigstore(&rule);
	else if (strcmp(type, "signedBy") == 0)
		lint_simple(&rule);
	else if (strcmp(type, "reject") == 0 || strcmp(type, "insecureAcceptAnything") == 0)
		lint_members(&rule, known);
}
