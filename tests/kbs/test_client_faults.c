/* SPDX-License-Identifier: Apache-2.0 */
/* The client beside a broker and a network that fail. */
#include "kbs/client.h"

#include "base/buf.h"
#include "crypto/cert.h"
#include "crypto/init.h"
#include "kbs/client_own.h"
#include "net/http.h"
#include "tests/kbs/broker.h"
#include "tests/net/certs.h"

/* What happens to the first requests for one path. */
static struct fault {
	const char *path; /* NULL: any */
	unsigned times;
	int status;
	const char *fields;
	enum sent sent;
} fault;

static bool go_wrong(struct broker *broker, const struct asked *asked, struct said *said)
{
	(void)broker;
	if (!fault.times || (fault.path && !asks(asked, fault.path)))
		return false;
	fault.times--;
	said->status = fault.status;
	said->sent = fault.sent;
	said->type = "text/html";
	snprintf(said->fields, sizeof(said->fields), "%s", fault.fields ? fault.fields : "");
	buf_puts(&said->body, "<html>something is wrong</html>");
	return true;
}

#define AUTH   KBS_PREFIX "/auth"
#define ATTEST KBS_PREFIX "/attest"
#define ONE    KBS_PREFIX "/resource/default/key/one"

static void goes_on_when_the_trouble_is_over(void **state)
{
	static const char *const paths[] = { AUTH, ATTEST, ONE };
	static const struct fault faults[] = {
		{ .times = 1, .status = 500 },
		{ .times = 3, .status = 503 },
		{ .times = 1, .status = 502, .fields = "Retry-After: 0\r\n" },
		{ .times = 1, .status = 429 },
		{ .times = 1, .sent = SENT_NOTHING },
		{ .times = 1, .status = 200, .sent = SENT_HALF },
	};

	(void)state;
	for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++)
		for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
			auto_broker struct broker broker = { .hash = DIGEST_SHA384, .instead = go_wrong };
			fault = faults[i];
			fault.path = paths[p];
			broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
			broker_gives(&broker);
			assert_int_equal(fault.times, 0);
			assert_int_equal(broker.gets, 1);
			assert_int_equal(broker.auths, 1);
			/* the library below may have tried a broken connection once more by itself */
			if (faults[i].sent == SENT_WHOLE)
				assert_int_equal(kbs_client_counts(broker.client).retries, faults[i].times);
		}
}

static void gives_up_after_so_many_tries(void **state)
{
	static const struct {
		struct fault fault;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ { .times = 1000, .status = 503 }, ERR_RETRY, "in trouble: status 503" },
		{ { .times = 1000, .sent = SENT_NOTHING }, ERR_IO, "/auth: " },
		{ { .times = 1000, .status = 200, .sent = SENT_HALF }, ERR_IO, "/auth: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_broker struct broker broker = { .hash = DIGEST_SHA384, .instead = go_wrong };
		fault = cases[i].fault;
		broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256, .tries = 3 });
		broker_refuses(&broker, cases[i].kind, cases[i].says);
		assert_int_equal(kbs_client_counts(broker.client).requests, 3);
		/* and goes on afterwards */
		fault.times = 0;
		broker_gives(&broker);
	}
}

static void waits_no_longer_than_its_deadline(void **state)
{
	static const struct {
		struct fault fault;
		int deadline, pause;
		const char *says;
	} cases[] = {
		{ { .times = 1000, .sent = SENT_NEVER }, 200, 1, "did not answer" },
		{ { .times = 1000, .status = 503, .fields = "Retry-After: 3600\r\n" }, 60000, 1,
				"status 503" },
		{ { .times = 1000, .status = 503 }, 500, 100000, "within 500 ms; at last: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_broker struct broker broker = { .hash = DIGEST_SHA384, .instead = go_wrong };
		fault = cases[i].fault;
		broker_open(&broker,
				(struct kbs_client_options){ .key = KBS_KEY_P256,
						.deadline = cases[i].deadline,
						.pause = cases[i].pause });
		broker_refuses(&broker, ERR_RETRY, cases[i].says);
		assert_int_equal(broker.asked, 1);
	}
}

static void tries_again_where_one_connection_is_half_open(void **state)
{
	auto_broker struct broker broker = { .hash = DIGEST_SHA384, .instead = go_wrong };

	(void)state;
	fault = (struct fault){ .path = ATTEST, .times = 1, .sent = SENT_NEVER };
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256, .deadline = 2500 });
	broker_gives(&broker);
	assert_int_equal(broker.auths, 1);
}

static void says_that_nobody_is_there(void **state)
{
	auto_broker struct broker broker = { .hash = DIGEST_SHA384 };
	auto_kbs_client struct kbs_client *client = NULL;
	auto_buf struct buf token = BUF_MAX(1024);
	struct err err = ERR_NONE;
	uint16_t port = 0;

	(void)state;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
	close(peer_listen(&port));
	auto_free char *url = xasprintf("http://127.0.0.1:%u", (unsigned)port);
	const struct kbs_client_options options = {
		.url = url, .attester = broker.attester, .clock = &broker.clock, .tries = 2, .pause = 1
	};
	assert_int_equal(kbs_client_open(&options, &client, NULL), 0);
	assert_int_equal(kbs_client_token(client, false, &token, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(kbs_client_counts(client).requests, 2);
}

/* ---- answers that are none ---- */

static const char *nonsense;
static const char *nonsense_path;

static bool answer_nonsense(struct broker *broker, const struct asked *asked, struct said *said)
{
	(void)broker;
	if (!asks(asked, nonsense_path))
		return false;
	for (const char *at = nonsense; *at; at++)
		for (size_t i = 0; i < (*at == '~' ? (size_t)1000000 : 1); i++)
			buf_putc(&said->body, *at == '~' ? 'a' : *at);
	return true;
}

static void believes_no_nonsense(void **state)
{
	static const struct {
		const char *path;
		const char *body;
		enum err_kind kind;
	} cases[] = {
		{ AUTH, "", ERR_FORMAT },
		{ AUTH, "<html>", ERR_FORMAT },
		{ AUTH, "{}", ERR_FORMAT },
		{ AUTH, "{\"nonce\":\"a\",\"nonce\":\"b\"}", ERR_FORMAT },
		{ AUTH, "{\"nonce\":\"~\"}", ERR_LIMIT },
		{ AUTH, "{\"nonce\":\"a\",\"extra-params\":{\"selected-hash-algorithm\":\"sm3\"}}",
				ERR_FORMAT },
		{ AUTH, "{\"nonce\":\"~~~\"}", ERR_LIMIT },
		{ ATTEST, "", ERR_FORMAT },
		{ ATTEST, "{}", ERR_FORMAT },
		{ ATTEST, "{\"token\":\"no token\"}", ERR_FORMAT },
		{ ATTEST, "{\"token\":\"e30.####.c2ln\"}", ERR_FORMAT },
		{ ATTEST, "{\"token\":\"e30.e30.~\"}", ERR_LIMIT },
		{ ONE, "~~~", ERR_LIMIT },
		{ ONE, "~", ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_broker struct broker broker = { .hash = DIGEST_SHA384, .instead = answer_nonsense };
		nonsense = cases[i].body;
		nonsense_path = cases[i].path;
		broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
		broker_refuses(&broker, cases[i].kind, "");
	}
}

/* ---- cookies and long tokens ---- */

static void keeps_cookies_by_their_names(void **state)
{
	static const struct {
		const char *before, *fields, *after;
	} cases[] = {
		{ "", "a=1; Expires=Sun, 22 Nov 2026 03:04:35 GMT", "a=1" },
		{ "", "a=1; Path=/\nb=2", "a=1; b=2" },
		{ "a=1; b=2", "a=3", "b=2; a=3" },
		{ "a=1; ab=2", "a=", "ab=2; a=" },
		{ "a=1", "b=x=y;z", "a=1; b=x=y" },
		{ "a=1", "", "a=1" },
		{ "a=1", "nothing", "a=1" },
		{ "a=1", "=x", "a=1" },
		{ "a=1", "b=x y", "a=1" },
		{ "a=1", "b=x,y", "a=1" },
		{ "a=1", "b=\x01", "a=1" },
		{ "a=1", "b=0123456789012345678901234567890123456789", "a=1" },
		{ "a=1", ";\n\nc=3", "a=1; c=3" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf list = BUF_MAX(32);
		buf_puts(&list, cases[i].before);
		kbs_cookies_take(&list, span_of(cases[i].fields));
		assert_string_equal(buf_text(&list), cases[i].after);
	}
}

static bool give_a_long_token(struct broker *broker, const struct asked *asked, struct said *said)
{
	char field[256];

	if (asks(asked, ATTEST)) {
		broker_attest(broker, asked, said);
		assert_int_equal(said->status, 200);
		buf_reset(&said->body);
		buf_puts(&said->body, "{\"token\":\"e30.e30.");
		for (int i = 0; i < 70000; i++)
			buf_putc(&said->body, 'A');
		buf_puts(&said->body, "\"}");
		return true;
	}
	if (strcmp(asked->method, "GET") != 0)
		return false;
	broker->gets++;
	assert_string_equal(asked_field(asked, "Authorization", field, sizeof(field)), "");
	assert_string_equal(
			asked_field(asked, "Cookie", field, sizeof(field)), "balance=b; kbs-session-id=s1");
	broker_seal(broker, &said->body);
	return true;
}

static void leaves_tokens_out_that_no_broker_reads(void **state)
{
	auto_broker struct broker broker = { .hash = DIGEST_SHA384, .instead = give_a_long_token };

	(void)state;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
	broker_gives(&broker);
	assert_int_equal(broker.gets, 1);
}

/* ---- certificates ---- */

static SSL_CTX *context_new(const struct certs *certs)
{
	auto_cert_pair struct cert_pair *pair = NULL;
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	assert_non_null(tls);
	assert_int_equal(cert_pair_parse(buf_span(&certs->cert), secret_span(&certs->key), &pair, NULL), 0);
	assert_int_equal(SSL_CTX_use_certificate(tls, cert_list_x509(cert_pair_chain(pair), 0)), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(tls, cert_pair_pkey(pair)), 1);
	return tls;
}

static void talks_to_the_holder_of_the_pinned_certificate_alone(void **state)
{
	struct certs ours, others, elsewhere;

	(void)state;
	certs_make(&ours, "localhost");
	certs_make(&others, "localhost");
	certs_make(&elsewhere, "kbs.example");
	const struct {
		const struct certs *server;
		struct span pinned;
		bool good;
	} cases[] = {
		{ &ours, buf_span(&ours.ca), true },
		{ &others, buf_span(&ours.ca), false },
		{ &ours, SPAN_NONE, false },
		{ &elsewhere, buf_span(&elsewhere.ca), false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_broker struct broker broker = { .hash = DIGEST_SHA384, .host = "localhost" };
		broker.replay.tls = context_new(cases[i].server);
		broker_open(&broker,
				(struct kbs_client_options){ .key = KBS_KEY_P256, .cert = cases[i].pinned });
		if (cases[i].good) {
			broker_gives(&broker);
			continue;
		}
		broker_refuses(&broker, ERR_AUTH, "");
		assert_int_equal(broker.asked, 0);
		assert_int_equal(kbs_client_counts(broker.client).requests, 1);
	}
	certs_clear(&ours);
	certs_clear(&others);
	certs_clear(&elsewhere);
}

/* ---- threads ---- */

#define THREADS 64

struct asker {
	struct broker *broker;
	pthread_t thread;
	unsigned times;
	enum err_kind kind; /* of the last failure */
};

static void *ask(void *arg)
{
	struct asker *asker = arg;
	struct kbs_uri uri;

	if (kbs_uri_parse(SPAN_LIT("kbs:///default/key/one"), &uri, NULL) < 0)
		return NULL;
	for (unsigned i = 0; i < asker->times; i++) {
		auto_secret struct secret out = SECRET_NONE;
		struct err err = ERR_NONE;
		if (kbs_client_get(asker->broker->client, &uri, &out, &err) < 0)
			asker->kind = err.kind;
		else if (!secret_is(&out, SPAN_LIT(BROKER_SECRET)))
			asker->kind = ERR_BUG;
	}
	return NULL;
}

static void ask_at_once(struct broker *broker, unsigned times, enum err_kind expected)
{
	static struct asker askers[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		askers[i] = (struct asker){ .broker = broker, .times = times };
		if (pthread_create(&askers[i].thread, NULL, ask, &askers[i]) != 0)
			abort();
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(askers[i].thread, NULL);
	broker_settle(broker);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(askers[i].kind, expected);
}

static void makes_one_handshake_for_all_threads(void **state)
{
	auto_broker struct broker broker = { .hash = DIGEST_SHA384 };

	(void)state;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
	ask_at_once(&broker, 2, ERR_OK);
	assert_int_equal(broker.auths, 1);
	assert_int_equal(broker.attests, 1);
	assert_int_equal(broker.gets, 2 * THREADS);
	/* and one more when the token is lost under way */
	broker.forgotten = 1;
	ask_at_once(&broker, 2, ERR_OK);
	assert_int_equal(broker.attests, 2);
}

static bool refuse_attestation(struct broker *broker, const struct asked *asked, struct said *said)
{
	if (!asks(asked, ATTEST))
		return false;
	broker->attests++;
	said_failure(said, 401, KBS_ATTESTATION_ERROR, "Attestation error: RCAR handshake Attest failed");
	return true;
}

static void tells_all_threads_that_attestation_was_refused(void **state)
{
	auto_broker struct broker broker = { .hash = DIGEST_SHA384, .instead = refuse_attestation };

	(void)state;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
	ask_at_once(&broker, 1, ERR_AUTH);
	assert_true(broker.attests >= 2 && broker.attests <= 2 * THREADS);
	assert_int_equal(broker.gets, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_when_the_trouble_is_over),
		cmocka_unit_test(gives_up_after_so_many_tries),
		cmocka_unit_test(waits_no_longer_than_its_deadline),
		cmocka_unit_test(tries_again_where_one_connection_is_half_open),
		cmocka_unit_test(says_that_nobody_is_there),
		cmocka_unit_test(believes_no_nonsense),
		cmocka_unit_test(keeps_cookies_by_their_names),
		cmocka_unit_test(leaves_tokens_out_that_no_broker_reads),
		cmocka_unit_test(talks_to_the_holder_of_the_pinned_certificate_alone),
		cmocka_unit_test(makes_one_handshake_for_all_threads),
		cmocka_unit_test(tells_all_threads_that_attestation_was_refused),
	};

	if (crypto_init(false, NULL) < 0 || http_global_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
