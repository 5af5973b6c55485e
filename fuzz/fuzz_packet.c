/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: packet_parse, packet_format, packet_key_uri, packet_guest_reads, packet_open. What parses, parses the same
 * when it is written again, and what the older guest reads the hub reads, too. */
#include "base/buf.h"
#include "image/packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_packet struct packet packet = PACKET_NONE, again = PACKET_NONE;
	auto_secret struct secret kek = SECRET_NONE, plain = SECRET_NONE;
	auto_buf struct buf text = BUF_MAX(8 * size + 1024);
	struct kbs_uri uri;

	if (packet_parse(span_new(data, size), &packet, NULL) < 0)
		return 0;
	packet_format(&packet, size % 2 ? PACKET_LONG : PACKET_SHORT, &text);
	if (packet_parse(buf_span(&text), &again, NULL) < 0 || strcmp(packet.kid, again.kid) != 0 ||
			strcmp(packet.cipher, again.cipher) != 0 || packet.has_iv != again.has_iv ||
			!span_eq(span_new(packet.iv, packet.iv_len), span_new(again.iv, again.iv_len)) ||
			!span_eq(buf_span(&packet.wrapped), buf_span(&again.wrapped)))
		abort();
	(void)!packet_key_uri(&packet, &uri, NULL);
	if (packet_guest_reads(&packet, PACKET_GUEST_NATIVE, NULL) == 0 &&
			packet_guest_reads(&packet, PACKET_GUEST_HUB, NULL) < 0)
		abort();
	if (packet_sample_kek(&kek, NULL) == 0)
		(void)!packet_open(&packet, &kek, &plain, NULL);
	return 0;
}
