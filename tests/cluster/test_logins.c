/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/logins.h"

#include "base/b64.h"
#include "base/clock.h"
#include "crypto/init.h"
#include "policy/registry.h"
#include "tests/profile/scene.h"

#include <pthread.h>
#include <stdatomic.h>

#define SECOND CLOCK_SECOND
#define CONFIG "{\"auths\":{\"registry.example\":{\"auth\":\"dTpw\"}}}"

/* An API server: objects by "namespace/plural/name". */
struct rig {
	struct logins *logins;
	struct clock clock;
	_Atomic int64_t now;
	json_t *objects;
	struct buf asked; /* "shop/secrets/a " for each request */
	bool down;
	int64_t takes; /* each request */
	pthread_mutex_t busy;
};

static int64_t rig_time(void *ctx)
{
	return ((struct rig *)ctx)->now;
}

static int rig_get(void *ctx, const char *namespace, const char *plural, const char *name, json_t **out,
		struct err *err)
{
	struct rig *rig = ctx;
	char key[256];

	/* one at a time */
	assert_int_equal(pthread_mutex_trylock(&rig->busy), 0);
	snprintf(key, sizeof(key), "%s/%s/%s", namespace, plural, name);
	buf_printf(&rig->asked, "%s ", key);
	json_t *object = json_object_get(rig->objects, key);
	int done = 0;
	rig->now += rig->takes;
	if (rig->down)
		done = err_set(err, ERR_RETRY, "GET %s: HTTP 503", key);
	else if (!object)
		done = err_set(err, ERR_NOT_FOUND, "GET %s: HTTP 404 Not Found", key);
	else if (json_is_null(object))
		done = err_set(err, ERR_DENIED, "GET %s: HTTP 403 Forbidden", key);
	else
		*out = json_deep_copy(object);
	pthread_mutex_unlock(&rig->busy);
	return done;
}

static void rig_open(struct rig *rig)
{
	*rig = (struct rig){ .now = 1000 * SECOND, .objects = json_object(), .asked = BUF_MAX(1 << 20) };
	rig->clock = (struct clock){ .wall = rig_time, .mono = rig_time, .ctx = rig };
	pthread_mutex_init(&rig->busy, NULL);
	rig->logins = logins_new(&(struct logins_options){ .clock = &rig->clock,
			.namespace = "cocoon-system",
			.program = "webhook",
			.grant = "manifests/pull-secrets",
			.ctx = rig,
			.get = rig_get });
}

static void rig_close(struct rig *rig)
{
	logins_free(rig->logins);
	json_decref(rig->objects);
	buf_clear(&rig->asked);
	pthread_mutex_destroy(&rig->busy);
}

static void put(struct rig *rig, const char *key, json_t *object)
{
	json_object_set_new(rig->objects, key, object);
}

static json_t *secret_with(const char *member, const char *text)
{
	struct buf encoded = BUF_MAX(1 << 20);

	b64_encode(&encoded, span_of(text));
	json_t *secret = json_pack("{s:{s:s}}", "data", member, buf_text(&encoded));
	buf_clear(&encoded);
	return secret;
}

static void asks(struct rig *rig, const char *what)
{
	assert_string_equal(buf_text(&rig->asked), what);
	buf_reset(&rig->asked);
}

/* The texts that a want has, each followed by a '|'. */
static char *found(struct rig *rig, const struct image_want *want)
{
	struct facts_logins logins = { .count = 0 };
	struct buf text = BUF_MAX(1 << 20);
	struct err err = ERR_NONE;

	if (logins_find(rig->logins, want, &logins, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < logins.count; i++) {
		buf_add_span(&text, secret_span(&logins.texts[i]));
		buf_putc(&text, '|');
		secret_clear(&logins.texts[i]);
	}
	return buf_take(&text);
}

static void finds(struct rig *rig, const struct image_want *want, const char *texts)
{
	auto_free char *have = found(rig, want);

	assert_string_equal(have, texts);
}

static void remarks(struct rig *rig, const struct image_want *want, const char *words)
{
	struct err err = ERR_NONE;

	err_set(&err, ERR_DENIED, "HTTP 403");
	logins_remark(rig->logins, want, &err);
	assert_string_equal(err.text, words);
}

static const char *const two[] = { "a", "b" };
static const struct image_want of_the_pod = {
	.namespace = "shop", .service_account = "web", .pull_secrets = two, .pull_secret_count = 2
};

/* ---- tests -------------------------------------------------------------------------------------------------- */

static void the_policys_comes_before_the_pods(void **state)
{
	const struct registry_settings registry = { .host = "registry.example", .secret = "own" };
	struct image_want want = of_the_pod;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	want.registry = &registry;
	put(&rig, "shop/secrets/a", secret_with(".dockerconfigjson", CONFIG));
	put(&rig, "shop/secrets/b", secret_with(".dockercfg", "{\"h\":{}}"));
	put(&rig, "cocoon-system/secrets/own", secret_with(".dockerconfigjson", "{}"));
	finds(&rig, &want, "{}|" CONFIG "|{\"auths\":{\"h\":{}}}|");
	asks(&rig, "cocoon-system/secrets/own shop/secrets/a shop/secrets/b ");
	rig_close(&rig);
}

static void the_service_accounts_count_where_the_pod_names_none(void **state)
{
	static const struct {
		const char *account, *asked;
	} cases[] = { { "web", "shop/serviceaccounts/web shop/secrets/c " },
		{ "", "shop/serviceaccounts/default " }, { NULL, "shop/serviceaccounts/default " },
		{ "none", "shop/serviceaccounts/none " } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct image_want want = { .namespace = "shop", .service_account = cases[i].account };
		struct rig rig;
		rig_open(&rig);
		put(&rig, "shop/serviceaccounts/web",
				yaml("{imagePullSecrets: [{name: c}, {name: ''}, {x: z}, 7]}"));
		put(&rig, "shop/serviceaccounts/default", yaml("{metadata: {}}"));
		put(&rig, "shop/secrets/c", secret_with(".dockerconfigjson", CONFIG));
		finds(&rig, &want, i ? "" : CONFIG "|");
		asks(&rig, cases[i].asked);
		rig_close(&rig);
	}
	/* who has no namespace has no credentials */
	struct rig rig;
	rig_open(&rig);
	finds(&rig, &(struct image_want){ .namespace = "", .service_account = "web" }, "");
	asks(&rig, "");
	rig_close(&rig);
}

static void what_was_read_counts_for_a_while(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	put(&rig, "shop/secrets/a", secret_with(".dockerconfigjson", CONFIG));
	finds(&rig, &of_the_pod, CONFIG "|");
	asks(&rig, "shop/secrets/a shop/secrets/b ");
	rig.now += LOGINS_REFUSED;
	finds(&rig, &of_the_pod, CONFIG "|");
	asks(&rig, "");
	/* what was not there is looked for again soon */
	rig.now++;
	finds(&rig, &of_the_pod, CONFIG "|");
	asks(&rig, "shop/secrets/b ");
	rig.now += LOGINS_KEPT - LOGINS_REFUSED - 1;
	finds(&rig, &of_the_pod, CONFIG "|");
	asks(&rig, "shop/secrets/b ");
	rig.now++;
	finds(&rig, &of_the_pod, CONFIG "|");
	asks(&rig, "shop/secrets/a ");
	/* and so is what a registry said no to */
	remarks(&rig, &of_the_pod, "HTTP 403; there is no Secret shop/b");
	rig.now += LOGINS_REFUSED + 1;
	finds(&rig, &of_the_pod, CONFIG "|");
	asks(&rig, "shop/secrets/a shop/secrets/b ");
	rig_close(&rig);
}

static void what_could_not_be_read_is_named_when_the_registry_refuses(void **state)
{
	struct rig rig;
	struct err err = ERR_NONE;

	(void)state;
	rig_open(&rig);
	put(&rig, "shop/secrets/a", json_null());
	finds(&rig, &of_the_pod, "");
	remarks(&rig, &of_the_pod,
			"HTTP 403; the webhook may not read Secret shop/a: apply manifests/pull-secrets to "
			"namespace shop; "
			"there is no Secret shop/b");
	err_set(&err, ERR_DENIED, "the host is a loopback address");
	logins_remark(rig.logins, &of_the_pod, &err);
	assert_string_equal(err.text, "the host is a loopback address");
	rig_close(&rig);

	rig_open(&rig);
	const struct image_want want = { .namespace = "shop", .service_account = "web" };
	put(&rig, "shop/serviceaccounts/web", yaml("{imagePullSecrets: [{name: c}]}"));
	put(&rig, "shop/secrets/c", secret_with("other", "x"));
	finds(&rig, &want, "");
	remarks(&rig, &want, "HTTP 403; Secret shop/c holds no credentials of registries");
	put(&rig, "shop/serviceaccounts/web", json_null());
	rig.now += 2 * LOGINS_KEPT;
	finds(&rig, &want, "");
	remarks(&rig, &want,
			"HTTP 403; the webhook may not read ServiceAccount shop/web: apply "
			"manifests/pull-secrets to "
			"namespace shop");
	rig_close(&rig);
}

static void what_was_read_whole_is_not_remarked(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	put(&rig, "shop/secrets/a", secret_with(".dockerconfigjson", CONFIG));
	put(&rig, "shop/secrets/b", secret_with(".dockerconfigjson", CONFIG));
	remarks(&rig, &of_the_pod, "HTTP 403");
	finds(&rig, &of_the_pod, CONFIG "|" CONFIG "|");
	remarks(&rig, &of_the_pod, "HTTP 403");
	rig_close(&rig);
}

static void an_api_server_that_is_away_fails_the_fetch_and_is_not_remembered(void **state)
{
	struct facts_logins logins = { .count = 0 };
	struct err err = ERR_NONE;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	put(&rig, "shop/secrets/a", secret_with(".dockerconfigjson", CONFIG));
	rig.down = true;
	assert_int_equal(logins_find(rig.logins, &of_the_pod, &logins, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	assert_holds(err.text, "reading secrets shop/a: ");
	rig.down = false;
	finds(&rig, &of_the_pod, CONFIG "|");
	rig_close(&rig);
}

static void an_api_server_that_is_slow_is_not_waited_for_at_length(void **state)
{
	struct facts_logins logins = { .count = 0 };
	struct err err = ERR_NONE;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	put(&rig, "shop/secrets/a", secret_with(".dockerconfigjson", CONFIG));
	rig.takes = LOGINS_WAIT + 1;
	assert_int_equal(logins_find(rig.logins, &of_the_pod, &logins, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	assert_holds(err.text, "reading secrets shop/b: the API server has taken too long");
	asks(&rig, "shop/secrets/a ");
	facts_logins_clear(&logins);
	/* what has come meanwhile is there for the next one */
	finds(&rig, &of_the_pod, CONFIG "|");
	asks(&rig, "shop/secrets/b ");
	rig_close(&rig);
}

static void at_the_end_nothing_is_read(void **state)
{
	struct facts_logins logins = { .count = 0 };
	struct err err = ERR_NONE;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	logins_end(rig.logins);
	assert_int_equal(logins_find(rig.logins, &of_the_pod, &logins, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	asks(&rig, "");
	rig_close(&rig);
}

static void secrets_that_are_no_good_are_passed_over(void **state)
{
	auto_free char *large = xcalloc(SECRET_MAX + 2, 1);
	struct rig rig;

	(void)state;
	memset(large, 'x', SECRET_MAX + 1);
	json_t *cases[] = { yaml("{}"), yaml("{data: 7}"), yaml("{data: {.dockerconfigjson: 7}}"),
		yaml("{data: {.dockerconfigjson: '%%%'}}"), secret_with(".dockerconfigjson", large),
		secret_with(".dockerconfigjson", "") };
	for (size_t i = 0; i < COUNT(cases); i++) {
		rig_open(&rig);
		put(&rig, "shop/secrets/a", cases[i]);
		put(&rig, "shop/secrets/b", secret_with(".dockerconfigjson", CONFIG));
		finds(&rig, &of_the_pod, CONFIG "|");
		rig_close(&rig);
	}
}

static void what_is_kept_is_bounded(void **state)
{
	struct rig rig;
	char name[32];
	auto_free char *text = xcalloc(LOGINS_BYTES / 8 + 1, 1);

	(void)state;
	rig_open(&rig);
	memset(text, 'x', LOGINS_BYTES / 8);
	for (int i = 0; i < 2 * LOGINS_ENTRIES; i++) {
		const char *names[] = { name };
		const struct image_want want = {
			.namespace = "shop", .pull_secrets = names, .pull_secret_count = 1
		};
		snprintf(name, sizeof(name), "shop/secrets/s%d", i);
		if (i < 20)
			put(&rig, name, secret_with(".dockerconfigjson", text));
		snprintf(name, sizeof(name), "s%d", i);
		auto_free char *have = found(&rig, &want);
		assert_int_equal(strlen(have), i < 20 ? LOGINS_BYTES / 8 + 1 : 0);
		rig.now++;
	}
	rig_close(&rig);
}

static void *find_many(void *ctx)
{
	for (int i = 0; i < 50; i++) {
		auto_free char *have = found(ctx, &of_the_pod);
		assert_string_equal(have, CONFIG "|");
	}
	return NULL;
}

static void threads_ask_one_at_a_time(void **state)
{
	struct rig rig;
	pthread_t threads[4];

	(void)state;
	rig_open(&rig);
	put(&rig, "shop/secrets/a", secret_with(".dockerconfigjson", CONFIG));
	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < COUNT(threads); i++)
			assert_int_equal(pthread_create(&threads[i], NULL, find_many, &rig), 0);
		for (size_t i = 0; i < COUNT(threads); i++)
			pthread_join(threads[i], NULL);
		/* between the rounds, as a clock that jumps while somebody reads has him give up */
		rig.now += LOGINS_KEPT + 1;
	}
	rig_close(&rig);
}

static int setup(void **state)
{
	(void)state;
	return crypto_init(false, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_policys_comes_before_the_pods),
		cmocka_unit_test(the_service_accounts_count_where_the_pod_names_none),
		cmocka_unit_test(what_was_read_counts_for_a_while),
		cmocka_unit_test(what_could_not_be_read_is_named_when_the_registry_refuses),
		cmocka_unit_test(what_was_read_whole_is_not_remarked),
		cmocka_unit_test(an_api_server_that_is_away_fails_the_fetch_and_is_not_remembered),
		cmocka_unit_test(an_api_server_that_is_slow_is_not_waited_for_at_length),
		cmocka_unit_test(at_the_end_nothing_is_read),
		cmocka_unit_test(secrets_that_are_no_good_are_passed_over),
		cmocka_unit_test(what_is_kept_is_bounded),
		cmocka_unit_test(threads_ask_one_at_a_time),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
