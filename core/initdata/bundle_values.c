/* SPDX-License-Identifier: Apache-2.0 */
/* Reference values for the attestation service, each in the form that its shipped policies compare. */
#include "base/b64.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "initdata/bundle_own.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define PAYLOAD_MAX    ((size_t)4 << 20)

/* Compared with one value; all others are lists that the evidence's value has to be in (specification, 4.6). */
static const char *const bare[] = { "major_version", "minimum_minor_version", "snp_smt_enabled",
	"snp_tsme_enabled", "snp_guest_abi_major", "snp_guest_abi_minor", "snp_single_socket",
	"snp_smt_allowed", "tdvfkernel", "tdvfkernelparams" };

static bool is_bare(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
		if (strlen(bare[i]) == len && !memcmp(bare[i], name, len))
			return true;
	return false;
}

int bundle_value_check(const char *value, struct err *err)
{
	const char *equals = strchr(value, '=');

	if (!equals || equals == value || !equals[1] || !strncmp(value, "cocoon_", 7) ||
			!span_is_utf8(span_of(value)))
		return err_set(err, ERR_FORMAT,
				"reference value '%.300s': write NAME=VALUE in UTF-8, with a name that does "
				"not "
				"begin with cocoon_",
				value);
	return 0;
}

/* A number or boolean where it is one, else a text. */
static json_t *parse(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	if (json_is_integer(value) || json_is_boolean(value))
		return value;
	json_decref(value);
	return json_string(text);
}

static void add_owned(json_t *values, const char *given)
{
	const char *equals = strchr(given, '=');
	size_t len = (size_t)(equals - given);
	json_t *list = json_object_getn(values, given, len);

	if (is_bare(given, len)) {
		json_object_setn_new(values, given, len, parse(equals + 1));
		return;
	}
	if (!list)
		json_object_setn_new(values, given, len, list = json_array());
	json_array_append_new(list, parse(equals + 1));
}

static void add_documents(json_t *values, const struct bundle *bundle, const struct bundle_kind *kind)
{
	auto_json json_t *forms = bundle_forms(bundle, kind);
	auto_buf struct buf name = BUF_MAX(NAME_MAX_BYTES);

	if (!json_array_size(forms))
		return;
	buf_puts(&name, "cocoon_init_data_");
	for (const char *c = kind->name; *c; c++)
		buf_putc(&name, *c == '-' ? '_' : *c);
	json_object_set(values, buf_text(&name), forms);
}

json_t *bundle_reference_values(const struct bundle *bundle)
{
	auto_json json_t *values = json_object();
	auto_buf struct buf payload = BUF_MAX(PAYLOAD_MAX);

	for (size_t i = 0; i < BUNDLE_KINDS; i++)
		add_documents(values, bundle, &bundle_kinds[i]);
	for (size_t i = 0; i < bundle->value_count; i++)
		add_owned(values, bundle->values[i]);
	auto_free char *text = json_text(values, true);
	b64_encode(&payload, span_of(text));
	return json_pack(
			"{s:s,s:s,s:s}", "version", "0.1.0", "type", "sample", "payload", buf_text(&payload));
}
