/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many clients of a key broker, or of a guest daemon, at once; every answer is compared with what it must be.
 *
 *     kbs_load sessions CALLS CLIENTS URL ATTESTER PATH=FILE…     a fresh client each: handshake, then one resource
 *     kbs_load reads    CALLS CLIENTS REST SOCKET PATH=FILE…      resources by REST, every fourth client by ttrpc
 *     kbs_load unseal   CALLS CLIENTS SOCKET SECRET FILE          a sealed secret by ttrpc
 *
 * ATTESTER is sample or the TCTI of a TPM; REST is 127.0.0.1:8006, SOCKET unix:///…, "-" is none of the two; PATH is
 * REPOSITORY/TYPE/TAG, of which the calls take one after the other. SECRET is a file with a sealed string.
 *
 * One line of JSON goes to standard output: calls, those that were lost, seconds, and milliseconds of either step at
 * the half, the 99th of a hundred, and the longest. What was lost is told on standard error, and is status 1.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/pb.h"
#include "crypto/init.h"
#include "kbs/client.h"
#include "net/http.h"
#include "net/ttrpc_client.h"
#include "tee/attester.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_MAX   1000000
#define CLIENTS_MAX 256
#define PIECES_MAX  16
#define PIECE_MAX   ((size_t)64 * 1024)
#define PATIENCE    50000
#define STEPS       2
#define COMPLAINTS  5

/* What a call is about: the path of a resource, or a sealed string; and the bytes it stands for. */
struct piece {
	struct buf name, bytes;
};

struct load {
	const struct verb *verb;
	char **args;
	size_t calls, clients;
	struct piece pieces[PIECES_MAX];
	size_t piece_count;
	struct attester *attester;
	int64_t *took[STEPS];
	atomic_size_t next, lost;
};

struct client {
	struct load *load;
	size_t number;
	struct http *http; /* stays open from call to call */
	pthread_t thread;
};

struct verb {
	const char *name;
	int (*prepare)(struct load *load, struct err *err);
	int (*call)(struct client *client, const struct piece *piece, int64_t took[STEPS], struct err *err);
	const char *steps[STEPS];
};

static int compare(const struct piece *piece, struct span got, struct err *err)
{
	if (span_eq(got, buf_span(&piece->bytes)))
		return 0;
	return err_set(err, ERR_FORMAT, "'%.80s' came as %zu bytes that are not those it is",
			buf_text(&piece->name), got.len);
}

/* ---- sessions ------------------------------------------------------------------------------------------ */

static int session(struct client *client, const struct piece *piece, int64_t took[STEPS], struct err *err)
{
	const struct kbs_client_options options = { .url = client->load->args[0],
		.key = KBS_KEY_P256,
		.attester = client->load->attester,
		.clock = &clock_real,
		.deadline = PATIENCE };
	auto_kbs_client struct kbs_client *kbs = NULL;
	auto_wiped_buf struct buf token = BUF_MAX(1024 * 1024);
	auto_buf struct buf text = BUF_MAX(KBS_URI_MAX);
	auto_secret struct secret got = SECRET_NONE;
	struct kbs_uri uri;

	buf_printf(&text, "kbs:///%s", buf_text(&piece->name));
	int64_t began = clock_mono(&clock_real);
	if (kbs_uri_parse(buf_span(&text), &uri, err) < 0 || kbs_client_open(&options, &kbs, err) < 0 ||
			kbs_client_token(kbs, true, &token, NULL, err) < 0)
		return -1;
	int64_t attested = clock_mono(&clock_real);
	if (kbs_client_get(kbs, &uri, &got, err) < 0)
		return -1;
	took[0] = attested - began;
	took[1] = clock_mono(&clock_real) - attested;
	return compare(piece, secret_span(&got), err);
}

static int prepare_session(struct load *load, struct err *err)
{
	bool sample = strcmp(load->args[1], "sample") == 0;
	const struct attester_options options = { .kind = sample ? "sample" : "tpm",
		.tpm = sample ? NULL : load->args[1] };

	return attester_open(&options, &load->attester, err);
}

/* ---- reads --------------------------------------------------------------------------------------------- */

static int read_rest(struct client *client, const struct piece *piece, struct err *err)
{
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	auto_free char *url =
			xasprintf("http://%s/cdh/resource/%s", client->load->args[0], buf_text(&piece->name));
	const struct http_options options = { .user_agent = "kbs_load" };
	const struct http_request request = {
		.method = "GET", .url = url, .max_body = PIECE_MAX, .total_timeout = PATIENCE
	};

	if (!client->http)
		client->http = http_new(&options, err);
	if (!client->http || http_fetch(client->http, &request, &response, err) < 0)
		return -1;
	if (response.status != 200)
		return err_set(err, ERR_DENIED, "status %d: %.*s", response.status,
				SPAN_ARG(buf_span(&response.body)));
	return compare(piece, buf_span(&response.body), err);
}

/* The one field of a message that has the one field of another for an answer. */
static int ask_hub(const char *socket, const char *service, const char *method, const struct piece *piece,
		const char *scheme, struct err *err)
{
	auto_buf struct buf message = BUF_MAX(PIECE_MAX), answer = BUF_MAX(2 * PIECE_MAX);
	auto_free char *text = xasprintf("%s%s", scheme, buf_text(&piece->name));
	struct span got = SPAN_NONE;

	pb_put_bytes(&message, 1, span_of(text));
	const struct ttrpc_call call = { .target = socket,
		.service = service,
		.method = method,
		.message = buf_span(&message),
		.timeout = PATIENCE };
	if (ttrpc_call(&call, &answer, err) < 0 || pb_find_bytes(buf_span(&answer), 1, &got, err) < 0)
		return -1;
	return compare(piece, got, err);
}

static int read_one(struct client *client, const struct piece *piece, int64_t took[STEPS], struct err *err)
{
	char **args = client->load->args;
	bool no_rest = strcmp(args[0], "-") == 0, no_socket = strcmp(args[1], "-") == 0;
	int64_t began = clock_mono(&clock_real);

	int status = no_rest || (!no_socket && client->number % 4 == 3)
			? ask_hub(args[1], "api.GetResourceService", "GetResource", piece, "kbs:///", err)
			: read_rest(client, piece, err);
	took[0] = clock_mono(&clock_real) - began;
	return status;
}

static int unseal_one(struct client *client, const struct piece *piece, int64_t took[STEPS], struct err *err)
{
	int64_t began = clock_mono(&clock_real);

	int status = ask_hub(
			client->load->args[0], "api.SealedSecretService", "UnsealSecret", piece, "", err);
	took[0] = clock_mono(&clock_real) - began;
	return status;
}

/* ---- clients ------------------------------------------------------------------------------------------- */

static void *work(void *ctx)
{
	struct client *client = ctx;
	struct load *load = client->load;

	for (size_t i = atomic_fetch_add(&load->next, 1); i < load->calls;
			i = atomic_fetch_add(&load->next, 1)) {
		struct err err = ERR_NONE;
		int64_t took[STEPS] = { 0 };
		int status = load->verb->call(client, &load->pieces[i % load->piece_count], took, &err);
		for (size_t step = 0; step < STEPS; step++)
			load->took[step][i] = took[step];
		if (status < 0 && atomic_fetch_add(&load->lost, 1) < COMPLAINTS)
			fprintf(stderr, "kbs_load: call %zu: %s: %s\n", i, err_kind_name(err.kind), err.text);
	}
	http_free(client->http);
	return NULL;
}

static int run_clients(struct load *load, struct err *err)
{
	struct client clients[CLIENTS_MAX] = { 0 };
	size_t started = 0;

	for (; started < load->clients; started++) {
		clients[started].load = load;
		clients[started].number = started;
		if (pthread_create(&clients[started].thread, NULL, work, &clients[started]) != 0) {
			err_set(err, ERR_IO, "no thread for client %zu", started);
			break;
		}
	}
	for (size_t i = 0; i < started; i++)
		pthread_join(clients[i].thread, NULL);
	return started == load->clients ? 0 : -1;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(const struct load *load, int64_t began)
{
	printf("{\"calls\":%zu,\"lost\":%zu,\"seconds\":%.3f", load->calls, atomic_load(&load->lost),
			(double)(clock_mono(&clock_real) - began) * 1e-6);
	for (size_t i = 0; i < STEPS && load->verb->steps[i]; i++) {
		int64_t *took = load->took[i];
		size_t half = load->calls / 2, last = load->calls * 99 / 100;
		qsort(took, load->calls, sizeof(*took), by_size);
		printf(",\"%s\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}", load->verb->steps[i],
				(double)took[half] * 1e-3, (double)took[last] * 1e-3,
				(double)took[load->calls - 1] * 1e-3);
	}
	puts("}");
}

/* ---- the command line ---------------------------------------------------------------------------------- */

static int usage(struct err *err)
{
	return err_set(err, ERR_USAGE,
			"usage: kbs_load sessions CALLS CLIENTS URL ATTESTER PATH=FILE… | reads CALLS "
			"CLIENTS "
			"REST SOCKET PATH=FILE… | unseal CALLS CLIENTS SOCKET SECRET FILE");
}

static struct piece *add_piece(struct load *load)
{
	struct piece *piece = &load->pieces[load->piece_count++];

	buf_init(&piece->name, PIECE_MAX);
	buf_init(&piece->bytes, PIECE_MAX);
	return piece;
}

static int prepare_pieces(struct load *load, struct err *err)
{
	for (char **arg = load->args + 2; *arg; arg++) {
		size_t equals = span_find(span_of(*arg), '=');
		if (!(*arg)[equals] || load->piece_count == PIECES_MAX)
			return usage(err);
		struct piece *piece = add_piece(load);
		buf_add(&piece->name, *arg, equals);
		if (fs_read(*arg + equals + 1, &piece->bytes, err) < 0)
			return -1;
	}
	return load->piece_count ? 0 : usage(err);
}

static int prepare_sessions(struct load *load, struct err *err)
{
	return prepare_pieces(load, err) < 0 ? -1 : prepare_session(load, err);
}

static int prepare_unseal(struct load *load, struct err *err)
{
	struct piece *piece = add_piece(load);

	if (!load->args[2])
		return usage(err);
	return fs_read(load->args[1], &piece->name, err) < 0 ? -1
							     : fs_read(load->args[2], &piece->bytes, err);
}

static const struct verb verbs[] = {
	{ "sessions", prepare_sessions, session, { "handshake", "get" } },
	{ "reads", prepare_pieces, read_one, { "read" } },
	{ "unseal", prepare_unseal, unseal_one, { "unseal" } },
};

static int read_arguments(int argc, char **argv, struct load *load, struct err *err)
{
	uint64_t calls = 0, clients = 0;

	if (argc < 6 || !span_number(span_of(argv[2]), CALLS_MAX, &calls) || !calls ||
			!span_number(span_of(argv[3]), CLIENTS_MAX, &clients) || !clients)
		return usage(err);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(argv[1], verbs[i].name))
			load->verb = &verbs[i];
	if (!load->verb)
		return usage(err);
	load->args = argv + 4;
	load->calls = (size_t)calls;
	load->clients = (size_t)clients;
	for (size_t step = 0; step < STEPS; step++)
		load->took[step] = xcalloc(load->calls, sizeof(*load->took[step]));
	return load->verb->prepare(load, err);
}

static void load_clear(struct load *load)
{
	for (size_t i = 0; i < load->piece_count; i++) {
		buf_clear(&load->pieces[i].name);
		buf_clear(&load->pieces[i].bytes);
	}
	for (size_t step = 0; step < STEPS; step++)
		free(load->took[step]);
	attester_free(load->attester);
}

int main(int argc, char **argv)
{
	__attribute__((cleanup(load_clear))) struct load load = { 0 };
	struct err err = ERR_NONE;

	int status = read_arguments(argc, argv, &load, &err);
	if (status == 0 && (http_global_init(&err) < 0 || crypto_init(true, &err) < 0))
		status = -1;
	int64_t began = clock_mono(&clock_real);
	if (status == 0)
		status = run_clients(&load, &err);
	if (status < 0) {
		fprintf(stderr, "kbs_load: %s: %s\n", err_kind_name(err.kind), err.text);
		return 2;
	}
	report(&load, began);
	return atomic_load(&load.lost) ? 1 : 0;
}
