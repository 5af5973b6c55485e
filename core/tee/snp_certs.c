/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "codec/json.h"
#include "tee/snp_report.h"

#include <stdlib.h>
#include <string.h>

#define GUID_LEN      16
#define GUID_TEXT_LEN 36
#define ENTRY_LEN     (GUID_LEN + 8)

static const struct {
	const char *guid, *name;
} types[] = {
	{ "c0b406a4-a803-4952-9743-3fb6014cd0ae", "ARK" },
	{ "4ab7b379-bbac-4fe4-a02f-05aef327c782", "ASK" },
	{ "63da758d-e664-4564-adc5-f4b93be8accd", "VCEK" },
	{ "a8074bc2-a25a-483e-aae6-39c045a0b8a1", "VLEK" },
	{ "92f81bc3-5811-4d3d-97ff-d19f88dc67ea", "CRL" },
};

/* Its bytes stand in the order of the text. */
static void guid_text(const char *guid, char out[static GUID_TEXT_LEN + 1])
{
	static const size_t groups[] = { 4, 2, 2, 2, 6 };

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		hex_encode_raw(out, span_new(guid, groups[i]));
		guid += groups[i];
		out += 2 * groups[i];
		*out++ = '-';
	}
	out[-1] = '\0';
}

static json_t *type_json(const char *guid)
{
	char text[GUID_TEXT_LEN + 1];

	guid_text(guid, text);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].guid, text) == 0)
			return json_string(types[i].name);
	}
	return json_pack("{s:s}", "OTHER", text);
}

static size_t number(const char *at)
{
	size_t value = 0;

	for (size_t i = 4; i > 0; i--)
		value = value << 8 | (unsigned char)at[i - 1];
	return value;
}

/* One entry of the table, whose bytes are there. */
static int add_cert(struct span table, const char *entry, json_t *chain, struct err *err)
{
	size_t offset = number(entry + GUID_LEN), len = number(entry + GUID_LEN + 4);
	json_t *data = json_array();

	if (offset > table.len || len > table.len - offset) {
		json_decref(data);
		return err_set(err, ERR_FORMAT, "certificates: %zu bytes at %zu lie outside the table", len,
				offset);
	}
	for (size_t i = 0; i < len; i++)
		json_array_append_new(data, json_integer((unsigned char)table.ptr[offset + i]));
	if (json_array_append_new(
			    chain, json_pack("{s:o, s:o}", "cert_type", type_json(entry), "data", data)) < 0)
		abort();
	return 0;
}

int snp_certs_json(struct span table, json_t **out, struct err *err)
{
	static const char end[GUID_LEN] = { 0 };
	auto_json json_t *chain = json_array();
	struct span rest = table;

	while (table.len) {
		if (rest.len < ENTRY_LEN)
			return err_set(err, ERR_FORMAT, "certificates: the table has no end");
		if (memcmp(rest.ptr, end, GUID_LEN) == 0)
			break;
		if (json_array_size(chain) == SNP_CERTS_MAX)
			return err_set(err, ERR_LIMIT, "certificates: more than %d", SNP_CERTS_MAX);
		if (add_cert(table, rest.ptr, chain, err) < 0)
			return -1;
		rest = span_from(rest, ENTRY_LEN);
	}
	*out = json_array_size(chain) ? json_incref(chain) : json_null();
	return 0;
}
