/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reviews of pods that differ in their image alone, sent to a webhook as the API server does, at a given rate; every
 * answer is compared with what is true of its image.
 *
 *     review_load RATE SECONDS CLIENTS URL CA REVIEW CASES
 *
 * REVIEW is a file with an AdmissionReview, in which @UID@ and @IMAGE@ stand for what differs, CA the certificates of
 * who signed the webhook's. CASES is a file with lines
 *
 *     well good IMAGE     at a registry that answers: it is to be allowed
 *     well bad  IMAGE     to be refused
 *     sick good IMAGE     at one that may not: to be allowed, or refused as nothing is known of it
 *     sick bad  IMAGE     to be refused
 *
 * a '#' in IMAGE being another number each time. Of the well ones RATE a second are sent, each when it is due by the
 * first client that is free; of the sick ones each has a client of its own, which asks again a moment after it was
 * answered. No answer at all, or a status that is not 200, is lost, and neither right nor wrong.
 *
 * One line of JSON goes to standard output: for well and sick what was sent, answered, allowed, refused, lost, and
 * wrong. `overtaken` is how many answers to well reviews came between a review and its own answer, at most;
 * `seconds` is how long it took. Wrong answers are told on standard error, and are status 1.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "net/http.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CASES_MAX   64
#define CLIENTS_MAX 128
#define REVIEW_MAX  ((size_t)1 << 20)
#define PATIENCE    15000 /* ms: longer than any review may take */
#define COMPLAINTS  5
#define PAUSE       (CLOCK_SECOND / 100)
#define UID_MARK    "@UID@"
#define IMAGE_MARK  "@IMAGE@"

enum group { WELL, SICK, GROUPS };

struct one_case {
	enum group group;
	bool good;
	char image[256];
};

struct tally {
	atomic_size_t sent, allowed, refused, lost, wrong, overtaken;
};

struct load {
	size_t rate, clients;
	int64_t began, ends; /* monotonic */
	const char *url;
	struct buf ca, review;
	struct one_case cases[CASES_MAX];
	size_t case_count, well_count;
	atomic_size_t next, uids, complaints;
	atomic_size_t well_answers;
	struct tally tallies[GROUPS];
};

struct client {
	struct load *load;
	const struct one_case *only; /* a sick one; NULL: the well ones in turn */
	struct http *http;
	pthread_t thread;
	bool started;
};

/* ---- one review ---------------------------------------------------------------------------------------- */

/* The review with what differs filled in. */
static void fill(struct load *load, const struct one_case *one, size_t number, struct buf *out)
{
	const char *text = buf_text(&load->review), *mark;

	while ((mark = strchr(text, '@'))) {
		buf_add(out, text, (size_t)(mark - text));
		if (!strncmp(mark, UID_MARK, strlen(UID_MARK))) {
			buf_printf(out, "%zu", number);
			text = mark + strlen(UID_MARK);
		} else if (!strncmp(mark, IMAGE_MARK, strlen(IMAGE_MARK))) {
			const char *hash = strchr(one->image, '#');
			if (hash)
				buf_printf(out, "%.*s%zu%s", (int)(hash - one->image), one->image, number,
						hash + 1);
			else
				buf_puts(out, one->image);
			text = mark + strlen(IMAGE_MARK);
		} else {
			buf_putc(out, '@');
			text = mark + 1;
		}
	}
	buf_puts(out, text);
}

static int ask(struct client *client, struct span body, struct http_response *response, struct err *err)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	const struct http_options options = { .user_agent = "review_load",
		.tls = { .ca = buf_span(&client->load->ca),
				.server_name = "cocoon-webhook.cocoon-system.svc" } };
	const struct http_request request = { .method = "POST",
		.url = client->load->url,
		.headers = headers,
		.body = body,
		.max_body = REVIEW_MAX,
		.total_timeout = PATIENCE };

	if (!client->http)
		client->http = http_new(&options, err);
	if (!client->http || http_fetch(client->http, &request, response, err) < 0)
		return -1;
	if (response->status != 200)
		return err_set(err, ERR_IO, "status %d", response->status);
	return 0;
}

/* -1: no answer to this review. */
static int read_answer(struct span text, size_t number, bool *allowed, struct err *err)
{
	auto_json json_t *json = NULL;
	char uid[24];

	if (json_read(text, REVIEW_MAX, &json, err) < 0)
		return -1;
	const char *said = json_text_at(json, "response", "uid", NULL);
	const json_t *verdict = json_at(json, "response", "allowed", NULL);
	snprintf(uid, sizeof(uid), "%zu", number);
	if (!said || strcmp(said, uid) != 0 || !json_is_boolean(verdict))
		return err_set(err, ERR_FORMAT, "not an answer to review %s", uid);
	*allowed = json_is_true(verdict);
	return 0;
}

static void complain(struct load *load, const struct one_case *one, struct span words)
{
	if (atomic_fetch_add(&load->complaints, 1) < COMPLAINTS)
		fprintf(stderr, "review_load: %s image '%s': %.*s\n", one->good ? "good" : "bad", one->image,
				(int)(words.len < 2000 ? words.len : 2000), words.ptr);
}

static void note_overtaken(struct tally *tally, size_t overtaken)
{
	size_t most = atomic_load(&tally->overtaken);

	while (overtaken > most && !atomic_compare_exchange_weak(&tally->overtaken, &most, overtaken))
		;
}

static void review(struct client *client, const struct one_case *one)
{
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	auto_buf struct buf body = BUF_MAX(2 * REVIEW_MAX);
	struct load *load = client->load;
	struct tally *tally = &load->tallies[one->group];
	size_t number = atomic_fetch_add(&load->uids, 1), before = atomic_load(&load->well_answers);
	struct err err = ERR_NONE;
	bool allowed = false;

	fill(load, one, number, &body);
	atomic_fetch_add(&tally->sent, 1);
	if (ask(client, buf_span(&body), &response, &err) < 0) {
		atomic_fetch_add(&tally->lost, 1);
		return;
	}
	if (read_answer(buf_span(&response.body), number, &allowed, &err) < 0) {
		atomic_fetch_add(&tally->wrong, 1);
		complain(load, one, span_of(err.text));
		return;
	}
	atomic_fetch_add(allowed ? &tally->allowed : &tally->refused, 1);
	if (allowed ? !one->good : one->good && one->group == WELL) {
		atomic_fetch_add(&tally->wrong, 1);
		complain(load, one, buf_span(&response.body));
	}
	note_overtaken(tally, atomic_load(&load->well_answers) - before);
	if (one->group == WELL)
		atomic_fetch_add(&load->well_answers, 1);
}

/* ---- clients ------------------------------------------------------------------------------------------- */

static void sleep_until(int64_t when)
{
	int64_t left;

	while ((left = when - clock_mono(&clock_real)) > 0) {
		const struct timespec rest = { .tv_sec = left / CLOCK_SECOND,
			.tv_nsec = left % CLOCK_SECOND * 1000 };
		nanosleep(&rest, NULL);
	}
}

static const struct one_case *well_one(const struct load *load, size_t number)
{
	size_t at = number % load->well_count;

	for (size_t i = 0; i < load->case_count; i++)
		if (load->cases[i].group == WELL && !at--)
			return &load->cases[i];
	return NULL;
}

static void *work(void *ctx)
{
	struct client *client = ctx;
	struct load *load = client->load;

	while (client->only && clock_mono(&clock_real) < load->ends) {
		review(client, client->only);
		sleep_until(clock_mono(&clock_real) + PAUSE);
	}
	while (!client->only) {
		size_t i = atomic_fetch_add(&load->next, 1);
		int64_t due = load->began + (int64_t)i * CLOCK_SECOND / (int64_t)load->rate;
		if (due >= load->ends)
			break;
		sleep_until(due);
		review(client, well_one(load, i));
	}
	http_free(client->http);
	return NULL;
}

static int run_clients(struct load *load, struct err *err)
{
	auto_free struct client *clients = xcalloc(load->clients + load->case_count, sizeof(*clients));
	size_t count = 0;
	int status = 0;

	for (size_t i = 0; i < load->clients; i++)
		clients[count++].load = load;
	for (size_t i = 0; i < load->case_count; i++) {
		if (load->cases[i].group != SICK)
			continue;
		clients[count].load = load;
		clients[count++].only = &load->cases[i];
	}
	for (size_t i = 0; i < count && !status; i++) {
		clients[i].started = pthread_create(&clients[i].thread, NULL, work, &clients[i]) == 0;
		if (!clients[i].started)
			status = err_set(err, ERR_IO, "no thread for client %zu", i);
	}
	for (size_t i = 0; i < count; i++)
		if (clients[i].started)
			pthread_join(clients[i].thread, NULL);
	return status;
}

static size_t report(struct load *load)
{
	static const char *const names[] = { "well", "sick" };
	size_t wrong = 0;

	for (unsigned i = 0; i < GROUPS; i++) {
		struct tally *t = &load->tallies[i];
		size_t sent = atomic_load(&t->sent), lost = atomic_load(&t->lost);
		wrong += atomic_load(&t->wrong);
		printf("%s\"%s\":{\"sent\":%zu,\"answered\":%zu,\"allowed\":%zu,\"refused\":%zu,\"lost\":%zu,"
		       "\"wrong\":%zu,\"overtaken\":%zu}",
				i ? "," : "{", names[i], sent, sent - lost, atomic_load(&t->allowed),
				atomic_load(&t->refused), lost, atomic_load(&t->wrong),
				atomic_load(&t->overtaken));
	}
	printf(",\"seconds\":%.1f}\n", (double)(clock_mono(&clock_real) - load->began) * 1e-6);
	return wrong;
}

/* ---- the command line ---------------------------------------------------------------------------------- */

static int read_case(struct load *load, char *line, struct err *err)
{
	struct one_case *one = &load->cases[load->case_count];
	char group[8], truth[8];

	if (load->case_count == CASES_MAX || sscanf(line, "%7s %7s %255s", group, truth, one->image) != 3)
		return err_set(err, ERR_FORMAT, "'%.100s' is no case, or one too many", line);
	one->group = !strcmp(group, "sick") ? SICK : WELL;
	one->good = !strcmp(truth, "good");
	if ((one->group == WELL && strcmp(group, "well") != 0) || (!one->good && strcmp(truth, "bad") != 0))
		return err_set(err, ERR_FORMAT, "'%.100s' begins with neither well or sick, good or bad",
				line);
	load->well_count += one->group == WELL;
	load->case_count++;
	return 0;
}

static int read_cases(struct load *load, const char *path, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(REVIEW_MAX);
	char *rest = NULL;

	if (fs_read(path, &text, err) < 0)
		return -1;
	auto_free char *copy = xstrdup(buf_text(&text));
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (read_case(load, line, err) < 0)
			return -1;
	return load->well_count ? 0 : err_set(err, ERR_USAGE, "no well case");
}

static int read_arguments(int argc, char **argv, struct load *load, struct err *err)
{
	uint64_t rate = 0, seconds = 0, clients = 0;

	if (argc != 8 || !span_number(span_of(argv[1]), 100000, &rate) || !rate ||
			!span_number(span_of(argv[2]), 600, &seconds) ||
			!span_number(span_of(argv[3]), CLIENTS_MAX, &clients) || !clients)
		return err_set(err, ERR_USAGE, "usage: review_load RATE SECONDS CLIENTS URL CA REVIEW CASES");
	load->rate = (size_t)rate;
	load->clients = (size_t)clients;
	load->url = argv[4];
	buf_init(&load->ca, REVIEW_MAX);
	buf_init(&load->review, REVIEW_MAX);
	if (fs_read(argv[5], &load->ca, err) < 0 || fs_read(argv[6], &load->review, err) < 0 ||
			read_cases(load, argv[7], err) < 0)
		return -1;
	load->began = clock_mono(&clock_real);
	load->ends = load->began + (int64_t)seconds * CLOCK_SECOND;
	return http_global_init(err);
}

int main(int argc, char **argv)
{
	static struct load load;
	struct err err = ERR_NONE;

	(void)signal(SIGPIPE, SIG_IGN);
	int status = read_arguments(argc, argv, &load, &err);
	if (status == 0)
		status = run_clients(&load, &err);
	if (status < 0) {
		fprintf(stderr, "review_load: %s: %s\n", err_kind_name(err.kind), err.text);
		return 2;
	}
	size_t wrong = report(&load);
	buf_clear(&load.ca);
	buf_clear(&load.review);
	return wrong ? 1 : 0;
}
