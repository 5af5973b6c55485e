/* SPDX-License-Identifier: Apache-2.0 */
#include "image/provider_own.h"

#include "base/err.h"
#include "image/scanned.h"

void provider_request_clear(struct provider_request *request)
{
	secret_clear(&request->attributes);
	secret_clear(&request->options);
	secret_clear(&request->element);
	*request = (struct provider_request)PROVIDER_REQUEST_NONE;
}

/* A member that must be an object; null and absent are an empty one. */
static int object_of(struct scan parent, const char *word, struct scan *out, struct err *err)
{
	static const struct scan none = { .kind = SCAN_NULL };

	*out = none;
	if (parent.kind == SCAN_OBJECT && provider_member(parent, word, out, err) < 0)
		return -1;
	if (out->kind != SCAN_OBJECT && out->kind != SCAN_NULL)
		return err_set(err, ERR_FORMAT, "'%s' is no object", word);
	return 0;
}

/* A member that must be bytes; false in *has for null and absent. */
static int bytes_of(struct scan parent, const char *word, bool *has, struct secret *out, struct err *err)
{
	struct scan value = { .kind = SCAN_NULL };

	if (parent.kind == SCAN_OBJECT && provider_member(parent, word, &value, err) < 0)
		return -1;
	*has = value.kind != SCAN_NULL;
	if (!*has)
		return 0;
	if (value.kind != SCAN_STRING && value.kind != SCAN_ARRAY)
		return err_set(err, ERR_FORMAT, "'%s' is no text", word);
	if (scanned_bytes(&value, word, out, err) == 0)
		return 0;
	if (err && err->kind == ERR_FORMAT)
		err->kind = ERR_CONFLICT;
	return -1;
}

/* Private options as the text that they are. */
static int raw_options(struct scan parent, struct secret *out)
{
	auto_secret struct secret text = SECRET_NONE;
	struct scan value, scrap;

	if (provider_member(parent, "optsdata", &value, NULL) < 0 || value.kind != SCAN_STRING ||
			secret_alloc(&text, value.text.len, NULL) < 0)
		return -1;
	struct span raw = span_new(text.ptr, scan_text(&value, (char *)text.ptr));
	if (scan_value(raw, &scrap, NULL) < 0 || scrap.kind != SCAN_OBJECT)
		return -1;
	return secret_from_span(out, raw, NULL);
}

static int read_options(struct scan wrap, struct provider_request *out, struct err *err)
{
	struct err why = ERR_NONE;

	if (bytes_of(wrap, "optsdata", &out->has_options, &out->options, &why) == 0)
		return 0;
	if (why.kind == ERR_CONFLICT && raw_options(wrap, &out->options) == 0)
		return 0;
	return err_set(err, why.kind, "%s", why.text);
}

/* Those of the provider's list that are no base64, or not of a text, are passed over. */
static int read_attributes(
		struct scan parameters, const char *name, struct provider_request *out, struct err *err)
{
	struct scan list = { .kind = SCAN_NULL }, item;
	bool found = false;

	if (parameters.kind == SCAN_OBJECT && provider_member(parameters, name, &list, err) < 0)
		return -1;
	if (list.kind != SCAN_ARRAY && list.kind != SCAN_NULL)
		return err_set(err, ERR_FORMAT, "'%s' is no list", name);
	out->has_attributes = list.kind == SCAN_ARRAY;
	while (!found && list.kind == SCAN_ARRAY && scan_item(&list, &item))
		found = item.kind == SCAN_STRING && scanned_bytes(&item, name, &out->attributes, NULL) == 0 &&
				span_is_utf8(secret_span(&out->attributes));
	if (!found)
		secret_clear(&out->attributes);
	return 0;
}

static int read_all(struct scan doc, const char *name, struct provider_request *out, struct err *err)
{
	struct scan op, wrap, unwrap, ec, parameters;

	if (provider_member(doc, "op", &op, err) < 0 || object_of(doc, "keywrapparams", &wrap, err) < 0 ||
			object_of(doc, "keyunwrapparams", &unwrap, err) < 0 ||
			object_of(wrap, "ec", &ec, err) < 0 ||
			object_of(ec, "Parameters", &parameters, err) < 0 ||
			read_attributes(parameters, name, out, err) < 0 || read_options(wrap, out, err) < 0)
		return -1;
	out->is_wrap = op.kind == SCAN_STRING && scan_is(&op, "keywrap");
	out->has_ec = ec.kind == SCAN_OBJECT;
	return bytes_of(unwrap, "annotation", &out->has_element, &out->element, err);
}

int provider_request_parse(struct span text, const char *name, struct provider_request *out, struct err *err)
{
	auto_provider_request struct provider_request request = PROVIDER_REQUEST_NONE;
	struct scan doc;

	if (scan_value(text, &doc, err) < 0)
		return -1;
	if (doc.kind != SCAN_OBJECT)
		return err_set(err, ERR_FORMAT, "the request is no JSON object");
	if (read_all(doc, name, &request, err) < 0)
		return -1;
	provider_request_clear(out);
	*out = request;
	request = (struct provider_request)PROVIDER_REQUEST_NONE;
	return 0;
}
