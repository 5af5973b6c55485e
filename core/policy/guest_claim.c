/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a simple signing payload claims, as the guest reads it (image-trust.md, 3.1): more leniently than
 * policy/cosign.h, as critical.type may be any text, and the digest too.
 */
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "policy/guest_own.h"

#include <string.h>

static int check_optional(const json_t *root, struct err *err)
{
	json_t *optional = NULL, *timestamp;
	const char *creator = NULL;

	if (json_opt_object(root, "", "optional", &optional, err) < 0 ||
			json_opt_text(optional, "optional", "creator", &creator, err) < 0)
		return -1;
	timestamp = json_object_get(optional, "timestamp");
	if (timestamp && !json_is_null(timestamp) && !json_is_integer(timestamp))
		return err_set(err, ERR_FORMAT, "'optional.timestamp' is no integer");
	return 0;
}

int guest_claim_read(struct span payload, struct guest_claim *out, struct err *err)
{
	json_t *critical = NULL, *image = NULL, *identity = NULL;
	auto_json json_t *root = NULL;
	const char *type = NULL;

	if (json_read(payload, IMAGE_PAYLOAD_MAX, &root, err) < 0 ||
			json_get_object(root, "", "critical", &critical, err) < 0 ||
			json_get_text(critical, "critical", "type", &type, err) < 0 ||
			json_get_object(critical, "critical", "image", &image, err) < 0 ||
			json_get_object(critical, "critical", "identity", &identity, err) < 0 ||
			json_get_text(image, "critical.image", "docker-manifest-digest", &out->digest, err) <
					0 ||
			json_get_text(identity, "critical.identity", "docker-reference", &out->reference,
					err) < 0 ||
			check_optional(root, err) < 0)
		return -1;
	out->json = take(&root);
	return 0;
}

void guest_claim_clear(struct guest_claim *claim)
{
	json_decref(claim->json);
	claim->json = NULL;
}
