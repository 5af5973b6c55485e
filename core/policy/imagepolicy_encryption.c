/* SPDX-License-Identifier: Apache-2.0 */
/* spec.encryption: what is asked for, and whether it can be had at all. */
#include "policy/imagepolicy_own.h"

#include "base/closest.h"
#include "base/err.h"
#include "codec/json.h"
#include "oci/descriptor.h"
#include "oci/manifest.h"

#include <string.h>

#define PATH          "spec.encryption"
#define PROVIDER_HEAD "provider."
#define SCHEMES_MAX   16
#define PLATFORMS_MAX 32

static int read_indexes(const json_t *object, struct policy_encryption *out, struct err *err)
{
	json_t *indexes = NULL, *item = NULL;
	size_t i = 0;

	if (json_opt_array(object, PATH, "indexes", IMAGEPOLICY_LIST_MAX, &indexes, err) < 0)
		return -1;
	if (out->layers != LAYERS_NAMED && indexes)
		return err_set(err, ERR_FORMAT, PATH ".indexes: are for layers: Named alone");
	if (out->layers == LAYERS_NAMED && !json_array_size(indexes))
		return err_set(err, ERR_FORMAT,
				PATH
				".indexes: layers: Named needs at least one (0 is the lowest layer, -1 the "
				"uppermost)");
	json_array_foreach (indexes, i, item) {
		json_int_t index = json_integer_value(item);
		if (!json_is_integer(item) || index < -OCI_LAYERS_MAX || index >= OCI_LAYERS_MAX)
			return err_set(err, ERR_FORMAT,
					PATH ".indexes[%zu]: must be a whole number between %d and %d", i,
					-OCI_LAYERS_MAX, OCI_LAYERS_MAX - 1);
	}
	out->indexes = indexes;
	return 0;
}

static int read_plain_layers(const json_t *object, struct policy_encryption *out, struct err *err)
{
	json_t *item = NULL;
	size_t i = 0;

	if (policy_texts(object, PATH, "plainLayers", 0, IMAGEPOLICY_LIST_MAX, &out->plain_layers, err) < 0)
		return -1;
	if (out->layers == LAYERS_ANY && json_array_size(out->plain_layers))
		return err_set(err, ERR_FORMAT,
				PATH
				".plainLayers: have no meaning with layers: Any, where all but one may be "
				"plain");
	json_array_foreach (out->plain_layers, i, item)
		if (!oci_digest_is(json_string_value(item)))
			return err_set(err, ERR_FORMAT, PATH ".plainLayers[%zu]: is no digest (sha256:…)", i);
	return 0;
}

static int check_scheme(const char *scheme, size_t i, struct err *err)
{
	static const char *const known[] = { (PACKET_SCHEME), "jwe", "pgp", "pkcs7", "pkcs11", NULL };

	if (span_starts(span_of(scheme), PROVIDER_HEAD) && scheme[strlen(PROVIDER_HEAD)])
		return 0;
	for (size_t k = 0; known[k]; k++)
		if (!strcmp(known[k], scheme))
			return 0;
	const char *meant = closest_word(scheme, known);
	return err_set(err, ERR_FORMAT,
			PATH ".schemes[%zu]: '%.60s' is none of jwe, pgp, pkcs7, pkcs11, provider.NAME%s%s%s",
			i, scheme, meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

/* *packets: whether key packets, which guests read, are among what is allowed. */
static int read_schemes(const json_t *object, struct policy_encryption *out, bool *packets, struct err *err)
{
	const json_t *given = NULL;
	json_t *item = NULL;
	size_t i = 0;

	if (policy_texts(object, PATH, "schemes", 1, SCHEMES_MAX, &given, err) < 0)
		return -1;
	*packets = !given;
	out->schemes = given ? json_deep_copy(given) : json_pack("[s]", PACKET_SCHEME);
	json_array_foreach (given, i, item) {
		if (check_scheme(json_string_value(item), i, err) < 0)
			return -1;
		*packets = *packets || !strcmp(json_string_value(item), PACKET_SCHEME);
	}
	return 0;
}

/* A glob is held against "kbs:///repository/type/tag" and "kbs+plugin:///…", in which nothing is escaped. */
static int check_key_glob(const char *glob, size_t i, struct err *err)
{
	const char *colon = strstr(glob, "://");

	if (strchr(glob, '%'))
		return err_set(err, ERR_FORMAT,
				PATH ".keys[%zu]: holds '%%', and no key's URI with escapes is accepted", i);
	if (colon && colon[3] != '/' && colon[3] != '*')
		return err_set(err, ERR_FORMAT,
				PATH ".keys[%zu]: names a broker; write kbs:///REPOSITORY/TYPE/TAG, and "
				     "sameBroker sees to the address",
				i);
	if (strncmp(glob, "kbs", 3) != 0 && glob[0] != '*')
		return err_set(err, ERR_FORMAT,
				PATH ".keys[%zu]: '%.80s' matches no key: their URIs begin with kbs:///", i,
				glob);
	return 0;
}

static int read_keys(const json_t *object, struct policy_encryption *out, bool packets, struct err *err)
{
	json_t *item = NULL;
	size_t i = 0;

	if (policy_texts(object, PATH, "keys", 1, IMAGEPOLICY_LIST_MAX, &out->keys, err) < 0)
		return -1;
	if (out->keys && !packets)
		return err_set(err, ERR_FORMAT,
				PATH ".keys: are those of key packets, and " PACKET_SCHEME
				     " is not among the "
				     "schemes");
	json_array_foreach (out->keys, i, item)
		if (check_key_glob(json_string_value(item), i, err) < 0)
			return -1;
	return 0;
}

static int read_platforms(const json_t *object, struct policy_encryption *out, struct err *err)
{
	json_t *item = NULL;
	size_t i = 0;

	if (policy_texts(object, PATH, "platforms", 1, PLATFORMS_MAX, &out->platforms, err) < 0)
		return -1;
	json_array_foreach (out->platforms, i, item) {
		struct span rest = span_of(json_string_value(item)), piece = SPAN_NONE;
		size_t pieces = 0;
		for (; span_next(&rest, '/', &piece) && piece.len; pieces++)
			;
		if (piece.len == 0 || pieces < 2 || pieces > 3)
			return err_set(err, ERR_FORMAT,
					PATH ".platforms[%zu]: '%.80s' is not of the form OS/ARCHITECTURE"
					     "[/VARIANT]",
					i, json_string_value(item));
	}
	return 0;
}

static int read_reader(const json_t *object, struct policy_encryption *out, bool packets, struct err *err)
{
	static const char *const guests[] = { "attestation-agent", "confidential-data-hub", "None", NULL };
	unsigned guest = PACKET_GUEST_HUB;

	if (policy_word(object, PATH, "guest", guests, &guest, err) < 0)
		return -1;
	if (guest != PACKET_GUESTS && !packets)
		return err_set(err, ERR_FORMAT,
				PATH
				".guest: guests read " PACKET_SCHEME
				" alone, which is not among the schemes; say guest: None if somebody else "
				"decrypts");
	out->guest = (enum packet_guest)guest;
	out->same_broker = true;
	return json_opt_bool(object, PATH, "sameBroker", &out->same_broker, err);
}

int policy_read_encryption(struct image_policy *policy, struct err *err)
{
	static const char *const known[] = { "layers", "indexes", "plainLayers", "schemes", "keys",
		"platforms", "guest", "sameBroker", NULL };
	static const char *const layers[] = { "All", "Any", "Named", NULL };
	struct policy_encryption *out = &policy->encryption;
	unsigned which = LAYERS_ALL;
	json_t *object = NULL;
	bool packets = false;

	out->guest = PACKET_GUESTS;
	if (json_opt_object(policy->spec, "spec", "encryption", &object, err) < 0)
		return -1;
	if (!object)
		return 0;
	if (json_only_keys(object, PATH, known, err) < 0 ||
			policy_word(object, PATH, "layers", layers, &which, err) < 0)
		return -1;
	out->layers = (enum policy_layers)which;
	policy->encrypted = true;
	if (read_indexes(object, out, err) < 0 || read_plain_layers(object, out, err) < 0 ||
			read_schemes(object, out, &packets, err) < 0 ||
			read_keys(object, out, packets, err) < 0 || read_platforms(object, out, err) < 0)
		return -1;
	return read_reader(object, out, packets, err);
}
