/* SPDX-License-Identifier: Apache-2.0 */
/* An ImagePolicy as a policy.json: as much of it as the guest can demand. */
#include "base/b64.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "policy/guest_own.h"
#include "policy/simple.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NOTE_MAX 1024

static void note(json_t *notes, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(json_t *notes, const char *fmt, ...)
{
	char text[NOTE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	span_tidy(text, strlen(text));
	json_array_append_new(notes, json_string(text));
}

/* ---- one signer ---- */

/* The resource that holds the key, in the form that the guest reads. */
static const char *listed_key(const struct policy_guest *guest, const struct pkey *key)
{
	const json_t *resource;
	size_t i;

	json_array_foreach (guest->resources, i, resource) {
		const char *uri = json_text_at(resource, "uri", NULL),
			   *text = json_text_at(resource, "text", NULL);
		auto_pkey struct pkey *listed = NULL;

		if (uri && text && span_starts(span_of(uri), "kbs:///") &&
				guest_key_parse(text, &listed, NULL) == 0 && pkey_is_same(listed, key))
			return uri;
	}
	return NULL;
}

/* keyData is the PEM itself: whoever converts it to base64, as containers-policy.json(5) says, locks all images out. */
static int put_key(json_t *requirement, const struct policy_guest *guest, const struct pkey *key,
		struct err *err)
{
	auto_buf struct buf pem = BUF_MAX(SECRET_MAX);
	const char *uri = listed_key(guest, key);

	if (uri) {
		json_object_set_new(requirement, "keyPath", json_string(uri));
		return 0;
	}
	if (pkey_format_public(key, &pem, err) < 0)
		return -1;
	json_object_set_new(requirement, "keyData", json_string(buf_text(&pem)));
	return 0;
}

static json_t *cosign_identity(const struct policy_signer *signer)
{
	char repository[GUEST_REPOSITORY_MAX];
	struct oci_name name;

	if (signer->identity == COSIGN_ANY)
		return NULL;
	if (!signer->repository || oci_name_parse(signer->repository, &name, NULL) < 0)
		return json_pack("{s:s}", "type", "matchRepository");
	guest_repository(&name, repository);
	return json_pack("{s:s,s:s}", "type", "exactRepository", "dockerRepository", repository);
}

/* Why the guest could never be satisfied by this signer, or not by just this; NULL: it can. */
static const char *cannot(const struct policy_signer *signer)
{
	if (signer->ring)
		return NULL;
	if (signer->key_count != 1)
		return "it has several keys, and a requirement of the guest takes exactly one";
	if (pkey_kind(signer->keys[0]) == PKEY_P521)
		return "its key is on P-521, which the guest does not have";
	if (!(signer->layouts & SIGNER_TAG))
		return "it signs by bundles alone, which the guest does not find";
	return NULL;
}

static void note_cosign(const struct policy_signer *signer, json_t *notes)
{
	if (signer->layouts & SIGNER_BUNDLE)
		note(notes,
				"signer '%s': the guest finds signatures under the tag sha256-….sig alone: "
				"it refuses "
				"images that are signed by a bundle",
				signer->name);
	if (json_object_size(signer->annotations))
		note(notes, "signer '%s': the guest does not look at annotations", signer->name);
}

static int write_cosign(const struct image_policy *policy, const struct policy_signer *signer, json_t *list,
		json_t *notes, struct err *err)
{
	auto_json json_t *requirement = json_pack("{s:s}", "type", "sigstoreSigned");
	json_t *identity = cosign_identity(signer);

	note_cosign(signer, notes);
	if (identity)
		json_object_set_new(requirement, "signedIdentity", identity);
	if (put_key(requirement, &policy->guest, signer->keys[0], err) < 0)
		return err_wrap(err, "signer '%s'", signer->name);
	json_array_append(list, requirement);
	return 0;
}

static int write_gpg(const struct policy_signer *signer, json_t *list, json_t *notes, struct err *err)
{
	static const char *const identities[] = {
		[SIMPLE_REPO_DIGEST_OR_EXACT] = "matchRepoDigestOrExact",
		[SIMPLE_EXACT] = "matchExact",
		[SIMPLE_REPOSITORY] = "matchRepository",
	};
	auto_buf struct buf ring = BUF_MAX(b64_encoded_len(SIMPLE_RING_MAX));

	b64_encode(&ring, span_of(signer->ring_text));
	if (buf_check(&ring, "the key ring", err) < 0)
		return err_wrap(err, "signer '%s'", signer->name);
	json_array_append_new(list,
			json_pack("{s:s,s:s,s:s,s:{s:s}}", "type", "signedBy", "keyType", "GPGKeys",
					"keyData", buf_text(&ring), "signedIdentity", "type",
					identities[signer->simple]));
	note(notes,
			"signer '%s': the guest reads GPG signatures from file:// stores of its own disk "
			"alone: without "
			"a sigstore_config that names one it refuses all images",
			signer->name);
	return 0;
}

/* ---- all signers ---- */

/* Those that every accepted image has: all, or the required ones where fewer are enough. */
static bool is_demanded(const struct image_policy *policy, const struct policy_signer *signer)
{
	return policy->at_least >= policy->signer_count || signer->required;
}

static void note_count(const struct image_policy *policy, json_t *notes)
{
	size_t required = 0;

	for (size_t i = 0; i < policy->signer_count; i++)
		required += is_demanded(policy, &policy->signers[i]);
	if (required < policy->at_least)
		note(notes,
				"atLeast: %zu of %zu signers cannot be expressed, as the guest demands every "
				"requirement: it "
				"demands the %zu required ones",
				policy->at_least, policy->signer_count, required);
}

static int write_requirements(const struct image_policy *policy, json_t *list, json_t *notes, struct err *err)
{
	note_count(policy, notes);
	for (size_t i = 0; i < policy->signer_count; i++) {
		const struct policy_signer *signer = &policy->signers[i];
		const char *reason = cannot(signer);

		if (!is_demanded(policy, signer))
			continue;
		if (reason) {
			note(notes, "signer '%s' cannot be demanded: %s", signer->name, reason);
			continue;
		}
		if ((signer->ring ? write_gpg(signer, list, notes, err)
				  : write_cosign(policy, signer, list, notes, err)) < 0)
			return -1;
	}
	if (json_array_size(list))
		return 0;
	/* said in so many words: an empty array would do the same for the guest, and stop podman */
	json_array_append_new(list, json_pack("{s:s}", "type", "insecureAcceptAnything"));
	if (policy->signer_count)
		note(notes,
				"nothing of the signers is left to demand: the guest accepts these images "
				"unsigned");
	return 0;
}

/* ---- scopes ---- */

enum fit { FITS, WIDER, NARROWER, FITS_NOT };

/* The scope that comes closest to a pattern: what stands before a "**" at its end; "" is the default. */
static enum fit scope_of(const char *pattern, char out[static OCI_NAME_MAX])
{
	struct span base = span_of(pattern);
	enum fit fit = FITS;

	if (span_is(base, "**")) {
		out[0] = '\0';
		return FITS;
	}
	if (span_ends(base, "/**")) {
		base.len -= 3;
	} else if (span_ends(base, "/*")) {
		base.len -= 2;
		fit = WIDER;
	} else if (span_ends(base, "**")) {
		base.len -= 2;
		fit = NARROWER;
	}
	bool wild = fit == FITS && span_starts(base, "*.") && span_find(base, '/') == base.len;
	struct span rest = span_from(base, wild ? 2 : 0);
	if (base.len >= OCI_NAME_MAX || !rest.len || span_find(rest, '*') < rest.len ||
			span_find(rest, '?') < rest.len || !isalnum((unsigned char)base.ptr[base.len - 1]))
		return FITS_NOT;
	snprintf(out, OCI_NAME_MAX, "%.*s", SPAN_ARG(base));
	return fit;
}

static void note_fit(enum fit fit, const char *pattern, const char *scope, json_t *notes)
{
	if (fit == WIDER)
		note(notes, "'%s': the guest's scope \"%s\" takes what lies deeper, too", pattern, scope);
	if (fit == NARROWER)
		note(notes,
				"'%s': the guest's scope \"%s\" takes that name and what lies below it, no "
				"other name that "
				"begins so",
				pattern, scope);
}

struct document {
	json_t *fallback; /* default */
	json_t *scopes;   /* of transport docker */
	json_t *notes;
};

static void put_pattern(
		struct document *document, const char *pattern, json_t *requirements, const char *lost)
{
	char scope[OCI_NAME_MAX];
	enum fit fit = scope_of(pattern, scope);

	if (fit == FITS_NOT) {
		note(document->notes, "'%s' cannot be expressed as a scope of the guest's: %s", pattern,
				lost);
		return;
	}
	note_fit(fit, pattern, scope, document->notes);
	if (*scope) {
		json_object_set(document->scopes, scope, requirements);
		return;
	}
	json_decref(document->fallback);
	document->fallback = json_incref(requirements);
}

/* Images that the policy does not take are another policy's affair, which this document does not know: refused. */
static void put_images(struct document *document, const struct image_policy *policy, json_t *requirements)
{
	auto_json json_t *reject = json_pack("[{s:s}]", "type", "reject");
	const json_t *pattern;
	size_t i;

	document->fallback = json_incref(policy->images ? reject : requirements);
	json_array_foreach (policy->images, i, pattern)
		put_pattern(document, json_string_value(pattern), requirements,
				"the guest refuses these images");
	json_array_foreach (policy->except_images, i, pattern)
		put_pattern(document, json_string_value(pattern), reject,
				"the guest demands of these images what it does of the others");
	if (json_array_size(policy->images) || json_array_size(policy->except_images))
		note(document->notes,
				"the guest refuses images that the policy does not take: add scopes for "
				"those that it "
				"shall run");
}

/* ---- what no policy.json can say ---- */

static void note_rest(const struct image_policy *policy, json_t *notes)
{
	if (policy->encrypted)
		note(notes, "encryption cannot be demanded: the guest takes plain images, too");
	if (policy->require_digest)
		note(notes, "digest.require cannot be demanded: the guest takes tags, too");
	if (policy->mode != POLICY_ENFORCE)
		note(notes, "mode: %s is admission's: what the guest does not accept it refuses",
				policy_mode_name(policy->mode));
}

static int format(const json_t *json, struct buf *out, struct err *err)
{
	struct guest_policy read = { .json = NULL };
	auto_free char *text = json_dumps(json, JSON_INDENT(2));

	if (!text)
		return err_set(err, ERR_BUG, "the guest's policy is no JSON");
	if (guest_policy_parse(span_of(text), &read, err) < 0)
		return err_wrap(err, "the guest's policy as it was written");
	guest_policy_clear(&read);
	buf_puts(out, text);
	buf_putc(out, '\n');
	return buf_check(out, "the guest's policy", err);
}

int guest_policy_write(const struct image_policy *policy, struct buf *out, json_t *notes, struct err *err)
{
	auto_json json_t *requirements = json_array();
	auto_json json_t *scopes = json_object();
	auto_json json_t *json = NULL;
	struct document document = { .scopes = scopes, .notes = notes };

	if (policy->broken)
		return err_set(err, ERR_FORMAT, "%s", policy->broken);
	note_rest(policy, notes);
	if (write_requirements(policy, requirements, notes, err) < 0)
		return -1;
	put_images(&document, policy, requirements);
	json = json_pack("{s:o,s:{s:O}}", "default", document.fallback, "transports", "docker", scopes);
	return format(json, out, err);
}
