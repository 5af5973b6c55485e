/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/hub_own.h"

#include "base/err.h"
#include "codec/json.h"
#include "image/packet.h"
#include "kms/kms.h"

#include <string.h>

/* kid as it stands: the hub of others takes URIs alone */
static int open_with_broker(struct hub *hub, const struct packet *packet, struct secret *out, struct err *err)
{
	auto_secret struct secret kek = SECRET_NONE;

	if (packet_guest_reads(packet, PACKET_GUEST_HUB, err) < 0 ||
			hub_resource(hub, span_of(packet->kid), &kek, err) < 0)
		return -1;
	return packet_open(packet, &kek, out, err);
}

/* Of another provider, a key management service opens what is wrapped. */
static int open_with_kms(const struct hub *hub, const struct packet *packet, struct span text,
		struct secret *out, struct err *err)
{
	auto_kms struct kms *kms = NULL;
	auto_json json_t *doc = NULL;

	if (json_read(text, WRAP_ELEMENT_MAX, &doc, err) < 0 ||
			hub_kms(hub, packet->provider, json_object_get(doc, "provider_settings"), &kms, err) <
					0)
		return -1;
	return kms_decrypt(kms, packet->kid, buf_span(&packet->wrapped), json_object_get(doc, "annotations"),
			out, err);
}

int hub_unwrap(struct hub *hub, struct span text, struct secret *out, struct err *err)
{
	auto_packet struct packet packet = PACKET_NONE;

	if (packet_parse(text, &packet, err) < 0)
		return -1;
	int result = !strcmp(packet.provider, "kbs") ? open_with_broker(hub, &packet, out, err)
						     : open_with_kms(hub, &packet, text, out, err);
	return result < 0 ? hub_blame_text(err) : 0;
}
