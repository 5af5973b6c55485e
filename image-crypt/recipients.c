/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/recipients.h"

#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "codec/line.h"
#include "image/annotation.h"
#include "image/packet.h"
#include "image/pgp_packets.h"

#include <inttypes.h>
#include <string.h>

#define NAME_MAX_BYTES KBS_URI_MAX

/* What stands in an annotation may hold anything and is made fit for a terminal. */
static void add_once(json_t *list, const char *text)
{
	json_t *line = json_line(NAME_MAX_BYTES, "%s", text), *other;
	size_t i;

	json_array_foreach (list, i, other) {
		if (json_equal(line, other)) {
			json_decref(line);
			return;
		}
	}
	json_array_append_new(list, line);
}

static void add_scheme(json_t *schemes, const char *scheme)
{
	auto_json json_t *name = json_line(WRAP_SCHEME_MAX, "%s", scheme);
	json_int_t count = json_integer_value(json_object_get(schemes, json_string_value(name)));

	json_object_set_new(schemes, json_string_value(name), json_integer(count + 1));
}

static void read_pgp(struct span element, json_t *recipients)
{
	struct pgp_message message;
	char name[32];

	if (pgp_message_look(element, &message, NULL) < 0) {
		add_once(recipients, "[pgp, unreadable]");
		return;
	}
	for (size_t i = 0; i < message.count; i++) {
		snprintf(name, sizeof(name), "0x%" PRIx64, message.ids[i]);
		add_once(recipients, name);
	}
}

/* Packets name their key; what other providers write is theirs alone. */
static void read_packet(struct span element, json_t *kbs_keys)
{
	auto_packet struct packet packet = PACKET_NONE;

	if (packet_parse(element, &packet, NULL) == 0)
		add_once(kbs_keys, packet.kid);
}

static int each(void *ctx, const char *scheme, size_t index, struct span element, struct err *err)
{
	struct layer_recipients *out = ctx;
	char name[WRAP_SCHEME_MAX + 2];

	(void)index;
	(void)err;
	add_scheme(out->schemes, scheme);
	if (!strcmp(scheme, "pgp")) {
		read_pgp(element, out->recipients);
	} else if (!strncmp(scheme, "provider.", strlen("provider."))) {
		read_packet(element, out->kbs_keys);
	} else {
		snprintf(name, sizeof(name), "[%s]", scheme);
		add_once(out->recipients, name);
	}
	return 0;
}

int layer_recipients_read(const json_t *annotations, struct layer_recipients *out, struct err *err)
{
	*out = (struct layer_recipients){ json_object(), json_array(), json_array() };
	if (!annotations || annotation_walk(annotations, each, out, err) == 0)
		return 0;
	layer_recipients_clear(out);
	return -1;
}

void layer_recipients_clear(struct layer_recipients *recipients)
{
	json_decref(recipients->schemes);
	json_decref(recipients->recipients);
	json_decref(recipients->kbs_keys);
	*recipients = (struct layer_recipients){ NULL, NULL, NULL };
}
