/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/service.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/random.h"
#include "image-crypt/params.h"
#include "image/packet.h"
#include "image/provider.h"
#include "kbs/admin.h"

#include <stdio.h>
#include <string.h>

static enum grpc_status fail(enum grpc_status status, struct err *err, const char *text)
{
	(void)err_set(err, grpc_status_kind(status), "%s", text);
	return status;
}

static enum grpc_status parse_request(struct span text, struct provider_request *out, struct err *err)
{
	struct err why = ERR_NONE;

	if (provider_request_parse(text, PACKET_PROVIDER, out, &why) == 0)
		return GRPC_OK;
	(void)err_set(err, why.kind, "parse key provider input failed: %s", why.text);
	return why.kind == ERR_CONFLICT ? GRPC_ABORTED : GRPC_INVALID_ARGUMENT;
}

/* ---- wrapping ------------------------------------------------------------------------------------------ */

/* kbs:///default/image-kek/<random UUID> */
static int random_id(struct kbs_uri *out, struct err *err)
{
	unsigned char b[16];
	char text[96];

	random_bytes(b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(text, sizeof(text),
			"kbs:///default/image-kek/"
			"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
			b[13], b[14], b[15]);
	return kbs_uri_parse(span_of(text), out, err);
}

/* The key that the set holds for the id; empty when there is none. */
static int find_key(const struct service *service, const struct params *params, struct secret *out,
		struct err *err)
{
	const struct secret *known =
			service->keys && params->has_id ? offline_find(service->keys, &params->id) : NULL;

	if (!known)
		return 0;
	if (known->len != PACKET_KEK)
		return err_set(err, ERR_USAGE, "'%s' in the set of keys is no key-encryption key",
				params->id.path);
	return secret_from_span(out, secret_span(known), err);
}

static int choose_key(const struct service *service, const struct params *params, struct secret *out,
		struct err *err)
{
	auto_secret struct secret known = SECRET_NONE;

	if (find_key(service, params, &known, err) < 0)
		return -1;
	if (!params->path[0] && known.len) {
		secret_move(out, &known);
		return 0;
	}
	if (!params->path[0] && service->admin)
		return secret_random(out, PACKET_KEK, err);
	if (!params->path[0])
		return err_set(err, ERR_USAGE,
				"neither keypath nor a known keyid is given, and there is no key broker "
				"(--kbs, --auth-private-key) to put a new key into: nobody could ever open "
				"the image");
	if (packet_read_kek(params->path, out, err) < 0)
		return err_wrap(err, "keypath");
	if (known.len && !secret_is(&known, secret_span(out)))
		return err_set(err, ERR_USAGE,
				"keypath: '%s' is not the key that the set of keys holds as '%s'",
				params->path, params->id.path);
	return 0;
}

static int put(struct kbs_admin *admin, const struct kbs_uri *id, const struct secret *kek, struct err *err)
{
	if (strcmp(id->plugin, "resource") != 0)
		return err_set(err, ERR_USAGE,
				"keys of the broker's plugin '%s' cannot be registered; put the key there "
				"yourself and leave out --kbs",
				id->plugin);
	if (kbs_admin_put(admin, id, secret_span(kek), err) < 0)
		return err_wrap(err, "registering the key in the key broker");
	return 0;
}

static int choose(const struct service *service, const struct params *params, struct kbs_uri *id,
		struct secret *kek, struct err *err)
{
	if (params->sample) {
		if (kbs_uri_parse(SPAN_LIT(PACKET_SAMPLE_URI), id, err) < 0)
			return -1;
		return packet_sample_kek(kek, err);
	}
	if (choose_key(service, params, kek, err) < 0)
		return -1;
	if (params->has_id)
		*id = params->id;
	else if (random_id(id, err) < 0)
		return -1;
	return service->admin ? put(service->admin, id, kek, err) : 0;
}

static int wrap(const struct service *service, const struct provider_request *request,
		struct buf *packet_text, struct kbs_uri *kid, struct err *err)
{
	static const unsigned char zeros[12];
	auto_packet struct packet packet = PACKET_NONE;
	auto_secret struct secret kek = SECRET_NONE;
	struct params params;
	struct kbs_uri id;

	if (params_parse(secret_span(&request->attributes), &params, err) < 0 ||
			choose(service, &params, &id, &kek, err) < 0)
		return -1;
	/* what sample=true makes is the same everywhere, and as public as its key */
	struct span iv = params.sample ? span_new(zeros, sizeof(zeros)) : SPAN_NONE;
	enum packet_cipher cipher = params.sample ? PACKET_A256GCM : params.cipher;
	if (packet_seal(&id, cipher, &kek, iv, &request->options, &packet, err) < 0)
		return -1;
	packet_format(&packet, PACKET_SHORT, packet_text);
	if (kid)
		*kid = id;
	return buf_check(packet_text, "the key packet", err);
}

enum grpc_status service_wrap(const struct service *service, struct span request, struct buf *answer,
		struct kbs_uri *kid, struct err *err)
{
	auto_provider_request struct provider_request parsed = PROVIDER_REQUEST_NONE;
	auto_buf struct buf packet = BUF_MAX(WRAP_ELEMENT_MAX);
	enum grpc_status status = parse_request(request, &parsed, err);

	if (status != GRPC_OK)
		return status;
	if (!parsed.has_options)
		return fail(GRPC_INVALID_ARGUMENT, err, "illegal keywrapparams without optsdata");
	if (!parsed.has_ec)
		return fail(GRPC_INVALID_ARGUMENT, err, "illegal keywrapparams without ec");
	if (!parsed.has_attributes)
		return fail(GRPC_INVALID_ARGUMENT, err,
				"illegal encryption provider without " PACKET_PROVIDER);
	if (wrap(service, &parsed, &packet, kid, err) < 0) {
		(void)err_wrap(err, "encrypt failed");
		return GRPC_INTERNAL;
	}
	provider_answer_format(buf_span(&packet), false, service->numbers, answer);
	return GRPC_OK;
}

/* ---- unwrapping ---------------------------------------------------------------------------------------- */

static int unwrap(const struct service *service, struct span element, struct secret *out, struct kbs_uri *kid,
		struct err *err)
{
	auto_packet struct packet packet = PACKET_NONE;
	struct kbs_uri id;

	if (packet_parse(element, &packet, err) < 0 || packet_key_uri(&packet, &id, err) < 0)
		return -1;
	const struct secret *kek = offline_find(service->keys, &id);
	if (!kek)
		return err_set(err, ERR_NOT_FOUND, "the set of keys does not hold '%s'", id.path);
	if (kid)
		*kid = id;
	return packet_open(&packet, kek, out, err);
}

enum grpc_status service_unwrap(const struct service *service, struct span request, struct buf *answer,
		struct kbs_uri *kid, struct err *err)
{
	auto_provider_request struct provider_request parsed = PROVIDER_REQUEST_NONE;
	auto_secret struct secret options = SECRET_NONE;
	struct err why = ERR_NONE;

	if (!service->keys)
		return fail(GRPC_UNIMPLEMENTED, err,
				"this key provider holds no keys to unwrap with (--keys)");
	enum grpc_status status = parse_request(request, &parsed, err);
	if (status != GRPC_OK)
		return status;
	if (!parsed.has_element)
		return fail(GRPC_INVALID_ARGUMENT, err,
				"illegal UnwrapKey request: no AnnotationPacket given");
	if (unwrap(service, secret_span(&parsed.element), &options, kid, &why) < 0) {
		(void)err_set(err, why.kind, "decrypt failed: %s", why.text);
		return grpc_status_of(why.kind);
	}
	provider_answer_format(secret_span(&options), true, service->numbers, answer);
	return GRPC_OK;
}
