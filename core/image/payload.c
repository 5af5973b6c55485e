/* SPDX-License-Identifier: Apache-2.0 */
#include "image/payload.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/pb.h"
#include "codec/scan.h"
#include "image/scanned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE     "io.containerd.ocicrypt.v1.Payload"
#define NAME_MAX 128

void payload_clear(struct payload *payload)
{
	keys_clear(&payload->keys);
	json_decref(payload->descriptor);
	*payload = (struct payload)PAYLOAD_NONE;
}

/* ---- the envelope ---------------------------------------------------------------------------------------- */

static int open_any(struct span bytes, struct span *json, struct err *err)
{
	struct span type = SPAN_NONE, rest = bytes;
	struct pb_field field;

	*json = SPAN_NONE;
	while (rest.len) {
		if (pb_next(&rest, &field, err) < 0 ||
				(field.number == 1 && pb_text(&field, &type, err) < 0) ||
				(field.number == 2 && pb_bytes(&field, json, err) < 0))
			return -1;
	}
	/* "type.googleapis.com/io.containerd…" */
	bool hosted = type.len > strlen(TYPE) && span_ends(type, "/" TYPE);
	if (!span_is(type, TYPE) && !hosted)
		return err_set(err, ERR_FORMAT, "type with url %.*s: not found",
				(int)(type.len < 100 ? type.len : 100), type.len ? type.ptr : "");
	return 0;
}

/* ---- members --------------------------------------------------------------------------------------------- */

/* The member of that name, SCAN_NULL without text when it is absent; twice is an error. */
static int find(const struct scan *object, const char *name, struct scan *out, struct err *err)
{
	struct scan walk = *object, key, value;

	*out = (struct scan){ SCAN_NULL, SPAN_NONE, 0 };
	while (scan_member(&walk, &key, &value)) {
		if (!scan_is(&key, name))
			continue;
		if (out->text.ptr)
			return err_set(err, ERR_FORMAT, "the member '%s' appears twice", name);
		*out = value;
	}
	return 0;
}

static int find_object(const struct scan *object, const char *name, struct scan *out, struct err *err)
{
	if (find(object, name, out, err) < 0)
		return -1;
	if (out->kind != SCAN_OBJECT && out->kind != SCAN_NULL)
		return err_set(err, ERR_FORMAT, "the member '%s' must be an object", name);
	return 0;
}

/* ---- keys ------------------------------------------------------------------------------------------------ */

static int check_list(const struct scan *list, const char *name, struct err *err)
{
	if (list->kind != SCAN_ARRAY && list->kind != SCAN_NULL)
		return err_set(err, ERR_FORMAT, "'%s' must be a list", name);
	return 0;
}

/* The next password for a key: lists without passwords are short, passwords that are none are null. */
static int next_password(struct scan *list, const char *name, struct secret *out, struct err *err)
{
	struct scan item;

	if (list->kind == SCAN_NULL)
		return 0;
	if (!scan_item(list, &item))
		return err_set(err, ERR_FORMAT, "'%s' has fewer items than there are keys", name);
	return item.kind == SCAN_NULL ? 0 : scanned_bytes(&item, name, out, err);
}

static int add_keys(const struct scan *parameters, const char *name, const char *passwords_name,
		struct keys *keys, struct err *err)
{
	struct scan list, passwords = { SCAN_NULL, SPAN_NONE, 0 }, item;

	if (find(parameters, name, &list, err) < 0 || check_list(&list, name, err) < 0)
		return -1;
	if (passwords_name &&
			(find(parameters, passwords_name, &passwords, err) < 0 ||
					check_list(&passwords, passwords_name, err) < 0))
		return -1;
	for (size_t i = 0; scan_item(&list, &item); i++) {
		auto_secret struct secret bytes = SECRET_NONE, password = SECRET_NONE;
		char label[NAME_MAX];
		snprintf(label, sizeof(label), "%s[%zu]", name, i);
		if (scanned_bytes(&item, label, &bytes, err) < 0 ||
				(passwords_name &&
						next_password(&passwords, passwords_name, &password, err) <
								0) ||
				keys_add_bytes(keys, label, &bytes, &password, err) < 0)
			return -1;
	}
	if (scan_item(&passwords, &item))
		return err_set(err, ERR_FORMAT, "'%s' has more items than there are keys", passwords_name);
	return 0;
}

/* One provider with each of its parameter texts. */
static int add_provider(const struct scan *name, struct scan list, struct keys *keys, struct err *err)
{
	char label[NAME_MAX];
	struct scan item;

	if (name->text.len > sizeof(label))
		return err_set(err, ERR_LIMIT, "the name of a parameter has %zu bytes", name->text.len);
	label[scan_text(name, label)] = '\0';
	if (check_list(&list, label, err) < 0)
		return -1;
	while (scan_item(&list, &item)) {
		auto_secret struct secret bytes = SECRET_NONE;
		if (scanned_bytes(&item, label, &bytes, err) < 0)
			return -1;
		if (bytes.len && memchr(bytes.ptr, 0, bytes.len))
			return err_set(err, ERR_FORMAT, "a parameter of provider '%s' is no text", label);
		if (keys_add_provider(keys, label, bytes.len ? (const char *)bytes.ptr : "", err) < 0)
			return -1;
	}
	return 0;
}

/* What a name among the parameters stands for. */
enum parameter { PARAMETER_OURS, PARAMETER_FOREIGN, PARAMETER_UNUSED, PARAMETER_PROVIDER };

static enum parameter parameter_of(const struct scan *name)
{
	static const struct {
		const char *name;
		enum parameter kind;
	} known[] = {
		{ "privkeys", PARAMETER_OURS },
		{ "privkeys-passwords", PARAMETER_OURS },
		{ "x509s", PARAMETER_OURS },
		{ "gpg-privatekeys", PARAMETER_FOREIGN },
		{ "gpg-privatekeys-passwords", PARAMETER_UNUSED },
		{ "pkcs11-yamls", PARAMETER_FOREIGN },
		{ "pkcs11-config", PARAMETER_UNUSED },
		/* of encryption, in parameters that serve both */
		{ "pubkeys", PARAMETER_UNUSED },
		{ "pkcs11-pubkeys", PARAMETER_UNUSED },
		{ "gpg-recipients", PARAMETER_UNUSED },
		{ "gpg-pubkeyringfile", PARAMETER_UNUSED },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (scan_is(name, known[i].name))
			return known[i].kind;
	return PARAMETER_PROVIDER;
}

static int read_parameters(const struct scan *parameters, struct payload *out, struct err *err)
{
	struct scan walk = *parameters, name, value, item;

	if (add_keys(parameters, "privkeys", "privkeys-passwords", &out->keys, err) < 0 ||
			add_keys(parameters, "x509s", NULL, &out->keys, err) < 0)
		return -1;
	while (scan_member(&walk, &name, &value)) {
		enum parameter kind = parameter_of(&name);
		if (kind == PARAMETER_FOREIGN)
			out->foreign = out->foreign || scan_item(&value, &item);
		if (kind == PARAMETER_PROVIDER && add_provider(&name, value, &out->keys, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

static int read_json(struct span text, struct payload *out, struct err *err)
{
	struct scan doc, config, parameters, descriptor;

	if (scan_value(text, &doc, err) < 0)
		return -1;
	if (doc.kind != SCAN_OBJECT)
		return err_set(err, ERR_FORMAT, "not a JSON object");
	if (find_object(&doc, "DecryptConfig", &config, err) < 0 ||
			find_object(&config, "Parameters", &parameters, err) < 0 ||
			find_object(&doc, "Descriptor", &descriptor, err) < 0)
		return -1;
	if (descriptor.kind != SCAN_OBJECT)
		return err_set(err, ERR_FORMAT, "the member 'Descriptor' is missing");
	if (json_read(descriptor.text, PAYLOAD_MAX, &out->descriptor, err) < 0)
		return err_wrap(err, "Descriptor");
	return read_parameters(&parameters, out, err);
}

int payload_parse(struct span bytes, struct payload *out, struct err *err)
{
	auto_payload struct payload fresh = PAYLOAD_NONE;
	struct span json;

	if (bytes.len > PAYLOAD_MAX)
		return err_set(err, ERR_LIMIT, "a payload of %zu bytes; at most %zu are allowed", bytes.len,
				PAYLOAD_MAX);
	if (open_any(bytes, &json, err) < 0)
		return err_wrap(err, "could not UnmarshalAny() the decrypt data");
	if (read_json(json, &fresh, err) < 0)
		return err_wrap(err, "the payload");
	payload_clear(out);
	*out = fresh;
	fresh = (struct payload)PAYLOAD_NONE;
	return 0;
}
