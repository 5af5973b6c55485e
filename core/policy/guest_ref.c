/* SPDX-License-Identifier: Apache-2.0 */
/* Names as the guest reads them, and its table of signed identities (image-trust.md, 1, 2.1, 2.2). */
#include "base/err.h"
#include "base/span.h"
#include "policy/guest_own.h"

#include <stdio.h>
#include <string.h>

int guest_reference(const char *text, struct oci_name *out, struct err *err)
{
	struct oci_name found = { .tag = "" };

	if (oci_name_split(span_of(text), &found, err) < 0)
		return err_wrap(err, "Illegal image reference");
	/* unlike other readers, the guest takes the endpoint of docker.io for a registry of its own */
	if (!strcmp(found.host, OCI_HUB_ENDPOINT)) {
		found.default_tag = !found.tag[0] && !found.digest[0];
		if (found.default_tag)
			snprintf(found.tag, sizeof(found.tag), "latest");
	} else if (oci_name_complete(&found, err) < 0) {
		return err_wrap(err, "Illegal image reference");
	}
	*out = found;
	return 0;
}

void guest_repository(const struct oci_name *name, char out[static GUEST_REPOSITORY_MAX])
{
	snprintf(out, GUEST_REPOSITORY_MAX, "%s/%s", name->host, name->repository);
}

/* ---- scopes ---- */

/* registry:5000/a/b → registry:5000/a → registry:5000; then *.example of host.example, without the port. */
bool guest_scopes(const struct oci_name *task, bool (*fn)(void *ctx, const char *scope), void *ctx)
{
	char name[OCI_NAME_MAX], wild[GUEST_REPOSITORY_MAX + 2];
	char *cut;

	oci_name_format(task, name);
	if (fn(ctx, name))
		return true;
	guest_repository(task, name);
	for (;;) {
		if (fn(ctx, name))
			return true;
		cut = strrchr(name, '/');
		if (!cut)
			break;
		*cut = '\0';
	}
	cut = strrchr(name, ':');
	if (cut)
		*cut = '\0';
	for (const char *label = strchr(name, '.'); label; label = strchr(label + 1, '.')) {
		snprintf(wild, sizeof(wild), "*%s", label);
		if (fn(ctx, wild))
			return true;
	}
	return false;
}

/* ---- signed identities ---- */

static const char *const same = NULL;

static const char *member(const json_t *identity, const char *key)
{
	const char *text = json_string_value(json_object_get(identity, key));

	return text ? text : "";
}

/* The repository of a signature's name, which is read as a reference: "busybox" there is docker.io/library/busybox. */
static const char *compare_repository(const char *wanted, const char *signed_as)
{
	struct oci_name name = { .tag = "" };
	char repository[GUEST_REPOSITORY_MAX];

	if (guest_reference(signed_as, &name, NULL) < 0)
		return "the signature's docker-reference is no image reference";
	guest_repository(&name, repository);
	return strcmp(repository, wanted) == 0 ? same : GUEST_MATCH_FAILED;
}

/*
 * Whole texts are compared as they stand: in a signature, "busybox:latest" is never docker.io/library/busybox:latest. A
 * reference with tag and digest has to be signed as just that.
 */
static const char *compare_digest_or_exact(const struct oci_name *task, const char *signed_as)
{
	char whole[OCI_NAME_MAX], repository[GUEST_REPOSITORY_MAX];

	oci_name_format(task, whole);
	if (task->tag[0] && strcmp(whole, signed_as) != 0)
		return GUEST_MATCH_FAILED;
	if (!task->digest[0])
		return same;
	guest_repository(task, repository);
	return compare_repository(repository, signed_as);
}

static const char *compare_exact(const struct oci_name *task, const char *signed_as)
{
	char whole[OCI_NAME_MAX];

	if (task->digest[0])
		return "Can not reference the image with the digest in matchExact policy.";
	oci_name_format(task, whole);
	return strcmp(whole, signed_as) == 0 ? same : GUEST_MATCH_FAILED;
}

/* The leading text is replaced wherever it ends: prefix docker.io/ex is one of docker.io/example. */
static const char *compare_remapped(
		const json_t *identity, const struct oci_name *task, const char *signed_as)
{
	const char *prefix = member(identity, "prefix"), *signed_prefix = member(identity, "signedPrefix");
	auto_buf struct buf text = BUF_MAX(GUEST_POLICY_MAX + OCI_NAME_MAX);
	char whole[OCI_NAME_MAX];
	struct oci_name remapped = { .tag = "" };

	oci_name_format(task, whole);
	if (!span_starts(span_of(whole), prefix))
		return compare_digest_or_exact(task, signed_as);
	buf_puts(&text, signed_prefix);
	buf_puts(&text, whole + strlen(prefix));
	if (guest_reference(buf_text(&text), &remapped, NULL) < 0)
		return "signedPrefix makes no image reference of the image's name";
	return compare_digest_or_exact(&remapped, signed_as);
}

const char *guest_identity(const json_t *identity, const struct oci_name *task, const char *signed_as)
{
	const char *type = member(identity, "type");
	char repository[GUEST_REPOSITORY_MAX];

	if (strcmp(type, "matchExact") == 0)
		return compare_exact(task, signed_as);
	if (strcmp(type, "matchRepository") == 0) {
		guest_repository(task, repository);
		return compare_repository(repository, signed_as);
	}
	if (strcmp(type, "exactReference") == 0)
		return strcmp(member(identity, "dockerReference"), signed_as) == 0 ? same
										   : GUEST_MATCH_FAILED;
	if (strcmp(type, "exactRepository") == 0)
		return compare_repository(member(identity, "dockerRepository"), signed_as);
	if (strcmp(type, "remapIdentity") == 0)
		return compare_remapped(identity, task, signed_as);
	return compare_digest_or_exact(task, signed_as);
}

const char *guest_identity_never(const json_t *identity, const struct oci_name *task)
{
	const char *type = member(identity, "type");

	if (!task->digest[0])
		return NULL;
	if (strcmp(type, "matchExact") == 0)
		return "matchExact takes no reference with a digest";
	if (task->tag[0] &&
			(strcmp(type, "matchRepoDigestOrExact") == 0 || strcmp(type, "remapIdentity") == 0))
		return "the guest compares the whole reference, tag and digest, with the signed name, which "
		       "has "
		       "no digest: name the image by the tag or by the digest alone";
	return NULL;
}
