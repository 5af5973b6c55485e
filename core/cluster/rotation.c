/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/rotation.h"

#include "base/b64.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/cert.h"
#include "crypto/digest.h"

#include <string.h>

#define CA_NAME "cocoon webhook CA"

/* The certificates of a Secret, those that can be read. */
struct state {
	struct cert_pair *ca;
	struct cert_pair *next;
	struct cert_pair *leaf;
};

static void state_clear(struct state *state)
{
	cert_pair_free(state->ca);
	cert_pair_free(state->next);
	cert_pair_free(state->leaf);
}

static bool member(const json_t *secret, const char *key, struct buf *out)
{
	const char *text = json_text_at(secret, "data", key, NULL);

	return text && text[0] && b64_decode(span_of(text), out, NULL) == 0;
}

static struct cert_pair *read_pair(const json_t *secret, const char *cert_key, const char *key_key)
{
	struct buf cert = BUF_MAX(ROTATION_PEM_MAX), key = BUF_MAX(ROTATION_PEM_MAX);
	struct cert_pair *pair = NULL;

	if (member(secret, cert_key, &cert) && member(secret, key_key, &key) &&
			cert_pair_parse(buf_span(&cert), buf_span(&key), &pair, NULL) < 0)
		pair = NULL;
	if (key.ptr)
		explicit_bzero(key.ptr, key.len);
	buf_clear(&key);
	buf_clear(&cert);
	return pair;
}

static struct state read_state(const json_t *secret)
{
	return (struct state){
		.ca = read_pair(secret, "ca.crt", "ca.key"),
		.next = read_pair(secret, "ca-next.crt", "ca-next.key"),
		.leaf = read_pair(secret, "tls.crt", "tls.key"),
	};
}

static bool signed_by(
		const struct state *state, const struct cert_pair *ca, const struct rotation_facts *facts)
{
	return ca && state->leaf &&
			cert_verify_leaf(cert_pair_chain(state->leaf), cert_pair_chain(ca), facts->dns_name,
					facts->now, NULL) == 0;
}

/* Past num/den of its life. */
static bool aged(const struct cert_pair *pair, int64_t now, int num, int den)
{
	const struct cert_list *chain = cert_pair_chain(pair);
	int64_t from = cert_not_before(chain, 0), to = cert_not_after(chain, 0);

	return (now - from) * den > (to - from) * num;
}

/* Can sign today. */
static bool usable(const struct cert_pair *ca, int64_t now)
{
	if (!ca)
		return false;
	const struct cert_list *chain = cert_pair_chain(ca);
	return cert_is_ca(chain, 0) && cert_not_before(chain, 0) <= now && now < cert_not_after(chain, 0);
}

/* Whether every live replica says `want` under `key`. */
static bool all_say(const struct rotation_facts *facts, const char *key, const char *want)
{
	size_t i;
	json_t *replica;

	if (!facts->replicas)
		return false;
	json_array_foreach (facts->replicas, i, replica) {
		const char *said = json_string_value(json_object_get(replica, key));
		if (!said || strcmp(said, want) != 0)
			return false;
	}
	return true;
}

static enum rotation_step say(struct buf *why, enum rotation_step step, const char *text)
{
	buf_puts(why, text);
	return step;
}

#define AGED "the certificate is past two thirds of its life"

/* The leaf is signed by the next CA: until all serve it, the old one stays in the bundle. */
static enum rotation_step after_switch(
		const struct state *state, const struct rotation_facts *facts, struct buf *why)
{
	char leaf[CERT_FINGERPRINT_MAX];

	cert_fingerprint(cert_pair_chain(state->leaf), 0, leaf);
	if (all_say(facts, "leaf", leaf))
		return say(why, ROTATION_FINISH, "every replica serves the new certificate");
	if (aged(state->leaf, facts->now, 2, 3))
		return say(why, ROTATION_SWITCH, AGED);
	return say(why, ROTATION_WAIT, "waiting until every replica serves the new certificate");
}

/* The leaf is signed by the old CA. */
static enum rotation_step before_switch(
		const struct state *state, const struct rotation_facts *facts, struct buf *why)
{
	char trust[65];

	rotation_trust(facts->secret, trust);
	if (facts->published_since >= ROTATION_SETTLE && all_say(facts, "trust", trust))
		return say(why, ROTATION_SWITCH, "the new CA is known everywhere");
	if (aged(state->leaf, facts->now, 2, 3))
		return say(why, ROTATION_RENEW, AGED);
	return say(why, ROTATION_WAIT, "waiting until API servers and replicas know the new CA");
}

enum rotation_step rotation_next(const struct rotation_facts *facts, struct buf *why)
{
	__attribute__((cleanup(state_clear))) struct state state = read_state(facts->secret);
	bool next = usable(state.next, facts->now);

	if (!usable(state.ca, facts->now))
		return say(why, ROTATION_CREATE,
				facts->secret ? "the Secret holds no CA that can sign"
					      : "there is no certificate yet");
	if (next && signed_by(&state, state.next, facts))
		return after_switch(&state, facts, why);
	if (!signed_by(&state, state.ca, facts))
		return say(why, ROTATION_RENEW, "the Secret holds no certificate that would be accepted");
	if (next)
		return before_switch(&state, facts, why);
	if (json_text_at(facts->secret, "metadata", "annotations", ROTATION_ASK_ANNOTATION, NULL))
		return say(why, ROTATION_ADD_CA, "asked for");
	if (aged(state.ca, facts->now, 1, 2))
		return say(why, ROTATION_ADD_CA, "the CA is past half of its life");
	if (aged(state.leaf, facts->now, 2, 3))
		return say(why, ROTATION_RENEW, AGED);
	return ROTATION_KEEP;
}

/* ---- carrying out ------------------------------------------------------------------------------------------- */

static int put_pair(json_t *data, const char *cert_key, const char *key_key, const struct cert_pair *pair,
		struct err *err)
{
	struct buf pem = BUF_MAX(ROTATION_PEM_MAX), text = BUF_MAX(2 * ROTATION_PEM_MAX);
	auto_secret struct secret key = SECRET_NONE;

	if (cert_pair_key(pair, &key, err) < 0)
		return -1;
	cert_list_format(cert_pair_chain(pair), &pem);
	b64_encode(&text, buf_span(&pem));
	json_object_set_new(data, cert_key, json_string(buf_text(&text)));
	buf_reset(&text);
	b64_encode(&text, secret_span(&key));
	json_object_set_new(data, key_key, json_string(buf_text(&text)));
	explicit_bzero(text.ptr, text.len);
	buf_clear(&text);
	buf_clear(&pem);
	return 0;
}

static int make_ca(const struct rotation_facts *facts, struct cert_pair **out, struct err *err)
{
	const struct cert_spec spec = { .common_name = CA_NAME, .days = ROTATION_CA_DAYS, .now = facts->now };

	return cert_make_ca(&spec, out, err);
}

static int put_leaf(
		json_t *data, const struct cert_pair *ca, const struct rotation_facts *facts, struct err *err)
{
	const struct cert_spec spec = {
		.common_name = "cocoon webhook",
		.dns_names = &facts->dns_name,
		.dns_count = 1,
		.days = ROTATION_LEAF_DAYS,
		.now = facts->now,
	};
	auto_cert_pair struct cert_pair *leaf = NULL;

	if (cert_make_leaf(ca, &spec, &leaf, err) < 0)
		return -1;
	return put_pair(data, "tls.crt", "tls.key", leaf, err);
}

static void drop_next(json_t *data)
{
	json_object_set_new(data, "ca-next.crt", json_null());
	json_object_set_new(data, "ca-next.key", json_null());
}

static int create(const struct rotation_facts *facts, json_t *data, struct err *err)
{
	auto_cert_pair struct cert_pair *ca = NULL;

	drop_next(data);
	if (make_ca(facts, &ca, err) < 0 || put_pair(data, "ca.crt", "ca.key", ca, err) < 0)
		return -1;
	return put_leaf(data, ca, facts, err);
}

static int add_ca(const struct rotation_facts *facts, json_t *data, struct err *err)
{
	auto_cert_pair struct cert_pair *next = NULL;

	if (make_ca(facts, &next, err) < 0)
		return -1;
	return put_pair(data, "ca-next.crt", "ca-next.key", next, err);
}

int rotation_apply(const struct rotation_facts *facts, enum rotation_step step, json_t **out, struct err *err)
{
	__attribute__((cleanup(state_clear))) struct state state = read_state(facts->secret);
	auto_json json_t *data = json_object();
	int done = 0;

	if ((step == ROTATION_RENEW && !state.ca) ||
			((step == ROTATION_SWITCH || step == ROTATION_FINISH) && !state.next))
		return err_set(err, ERR_BUG, "the step '%s' needs a CA that the Secret does not hold",
				rotation_step_name(step));
	switch (step) {
	case ROTATION_CREATE:
		done = create(facts, data, err);
		break;
	case ROTATION_RENEW:
		done = put_leaf(data, state.ca, facts, err);
		break;
	case ROTATION_ADD_CA:
		done = add_ca(facts, data, err);
		break;
	case ROTATION_SWITCH:
		done = put_leaf(data, state.next, facts, err);
		break;
	case ROTATION_FINISH:
		drop_next(data);
		done = put_pair(data, "ca.crt", "ca.key", state.next, err);
		break;
	case ROTATION_KEEP:
	case ROTATION_WAIT:
	default:
		return err_set(err, ERR_BUG, "there is nothing to do for the certificates");
	}
	if (done < 0)
		return err_wrap(err, "certificates of the webhook");
	*out = take(&data);
	return 0;
}

/* Appends the certificates of a member; nothing when they cannot be read: API servers refuse a bundle with junk. */
static void add_certificates(const json_t *secret, const char *key, struct buf *out)
{
	struct buf pem = BUF_MAX(ROTATION_PEM_MAX);
	auto_cert_list struct cert_list *list = NULL;

	if (member(secret, key, &pem) && cert_list_parse(buf_span(&pem), &list, NULL) == 0)
		cert_list_format(list, out);
	buf_clear(&pem);
}

bool rotation_bundle(const json_t *secret, struct buf *out)
{
	size_t before = out->len;

	add_certificates(secret, "ca.crt", out);
	if (out->len > before)
		add_certificates(secret, "ca-next.crt", out);
	return out->len > before;
}

void rotation_trust(const json_t *secret, char out[static 65])
{
	struct buf bundle = BUF_MAX(2 * ROTATION_PEM_MAX);
	char hex[DIGEST_HEX_MAX] = "";

	if (rotation_bundle(secret, &bundle))
		digest_hex(DIGEST_SHA256, buf_span(&bundle), hex);
	memcpy(out, hex, 65);
	buf_clear(&bundle);
}

const char *rotation_step_name(enum rotation_step step)
{
	static const char *const names[] = { "keep", "wait", "create", "renew-leaf", "add-ca", "switch-leaf",
		"drop-old-ca" };

	return names[step];
}
