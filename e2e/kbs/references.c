/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/references.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "e2e/kbs/store.h"
#include "kbs/message.h"

#include <string.h>

#define VERSION  "0.1.0"
#define LIFETIME (365 * 24 * 3600 * CLOCK_SECOND)

struct references {
	struct store *store;
	const struct clock *clock;
	json_t *values;
};

static int load(struct references *references, const char *name, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(STORE_VALUE_MAX);
	auto_json json_t *kept = NULL;

	if (store_get(references->store, STORE_REFERENCES, name, &text, err) < 0 ||
			json_read(buf_span(&text), STORE_VALUE_MAX, &kept, err) < 0)
		return err_wrap(err, "reading the reference value '%s'", name);
	json_t *value = json_object_get(kept, "value");
	if (!value)
		return err_set(err, ERR_FORMAT, "the reference value '%s' has no value", name);
	json_object_set(references->values, name, value);
	return 0;
}

static int load_all(struct references *references, struct err *err)
{
	auto_json json_t *names = NULL;
	const json_t *name;
	size_t i;

	if (store_list(references->store, STORE_REFERENCES, &names, err) < 0)
		return -1;
	if (json_array_size(names) > REFERENCES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d reference values", REFERENCES_MAX);
	json_array_foreach (names, i, name)
		if (load(references, json_string_value(name), err) < 0)
			return -1;
	return 0;
}

int references_open(struct store *store, const struct clock *clock, struct references **out, struct err *err)
{
	struct references *references = xcalloc(1, sizeof(*references));

	references->store = store;
	references->clock = clock;
	references->values = json_object();
	if (load_all(references, err) < 0) {
		references_free(references);
		return -1;
	}
	*out = references;
	return 0;
}

void references_free(struct references *references)
{
	if (!references)
		return;
	json_decref(references->values);
	free(references);
}

/* The object that a message carries. */
static int read_message(struct span message, json_t **values, struct err *err)
{
	auto_buf struct buf payload = BUF_MAX(KBS_BODY_MAX);
	auto_json json_t *tree = NULL;
	const char *version = VERSION, *type = NULL, *text = NULL;

	if (json_read(message, KBS_BODY_MAX, &tree, err) < 0 ||
			json_opt_text(tree, "", "version", &version, err) < 0 ||
			json_get_text(tree, "", "type", &type, err) < 0 ||
			json_get_text(tree, "", "payload", &text, err) < 0)
		return -1;
	if (strcmp(version, VERSION) != 0)
		return err_set(err, ERR_FORMAT, "version '%.40s' is not " VERSION, version);
	if (strcmp(type, "sample") != 0)
		return err_set(err, ERR_FORMAT, "type '%.40s' is not known here: sample is", type);
	if (b64_decode(span_of(text), &payload, err) < 0 ||
			json_read(buf_span(&payload), KBS_BODY_MAX, values, err) < 0)
		return err_wrap(err, "payload");
	if (!json_is_object(*values))
		return err_set(err, ERR_FORMAT, "payload is no object");
	return 0;
}

static int keep(struct references *references, const char *name, json_t *value, struct err *err)
{
	char until[CLOCK_TEXT_MAX];

	clock_format(clock_wall(references->clock) + LIFETIME, until);
	auto_json json_t *kept = json_pack("{s:s, s:s, s:s, s:O}", "version", VERSION, "name", name,
			"expiration", until, "value", value);
	auto_free char *text = json_text(kept, false);
	if (store_put(references->store, STORE_REFERENCES, name, span_of(text), err) < 0)
		return err_wrap(err, "keeping the reference value '%.80s'", name);
	json_object_set(references->values, name, value);
	return 0;
}

int references_register(struct references *references, struct span message, struct err *err)
{
	auto_json json_t *values = NULL;
	const char *name;
	json_t *value;

	if (read_message(message, &values, err) < 0)
		return -1;
	if (json_object_size(references->values) + json_object_size(values) > REFERENCES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d reference values", REFERENCES_MAX);
	json_object_foreach (values, name, value)
		if (keep(references, name, value, err) < 0)
			return -1;
	return 0;
}

const json_t *references_all(const struct references *references)
{
	return references->values;
}
