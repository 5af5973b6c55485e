/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/pods.h"

#include "tests/profile/scene.h"

#include <malloc.h>

#define TEAM(level)                                                                                  \
	"- {metadata: {name: team}, spec: {runtimeClasses: [snp], namespaceSelector: {}, initData: " \
	"{logLevel: " level "}}}"
#define MANY 20000

/* What the handler was told, one line each: "shop/web plain→injected" and why. */
struct tale {
	struct buf text;
	size_t calls;
	char why[512];
};

static const char *const names[] = { "plain", "gated", "injected", "drifted", "unprotected" };

static void on_changed(void *ctx, const struct pod_record *record, enum pod_state before, const char *why)
{
	struct tale *tale = ctx;

	tale->calls++;
	if (tale->text.max)
		buf_printf(&tale->text, "%s/%s %s>%s ", record->namespace->text, record->name, names[before],
				why ? names[record->state] : "gone");
	snprintf(tale->why, sizeof(tale->why), "%s", why ? why : "");
}

static struct pods *begin(struct tale *tale)
{
	*tale = (struct tale){ .text = BUF_MAX(65536) };
	return pods_new(&(struct pods_handler){ tale, on_changed });
}

static void heard(struct tale *tale, const char *text)
{
	assert_string_equal(buf_text(&tale->text), text);
	buf_reset(&tale->text);
}

static void end(struct pods *pods, struct tale *tale)
{
	pods_free(pods);
	buf_clear(&tale->text);
}

/* A pod of class snp; `rest` goes beside its name. */
static json_t *pod_of(const char *name, const char *uid, const char *rest, const char *spec)
{
	return yamlf("{metadata: {name: %s, namespace: shop, uid: %s%s}, spec: {runtimeClassName: snp%s}}",
			name, uid, rest, spec);
}

static size_t counted(const struct pods *pods, enum pod_state state)
{
	return pods_tally(pods).states[state];
}

#define GATE ", schedulingGates: [{name: cocoon.dev/init-data}]"

static void follows_a_pod_from_gate_to_end(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM("info"));
	auto_json json_t *gated = pod_of("web", "u1", "", GATE);
	auto_json json_t *done = injected(catalog, gated);
	auto_json json_t *ended = json_deep_copy(done);
	struct tale tale;
	struct pods *pods = begin(&tale);

	(void)state;
	pods_put(pods, catalog, gated, 100);
	heard(&tale, "shop/web plain>gated ");
	assert_int_equal(pods_tally(pods).oldest_gate, 100);
	pods_put(pods, catalog, gated, 200);
	heard(&tale, "shop/web gated>gated ");
	pods_rejudge(pods, catalog);
	heard(&tale, "");
	assert_int_equal(pods_tally(pods).oldest_gate, 100);
	pods_put(pods, catalog, done, 300);
	heard(&tale, "shop/web gated>injected ");
	assert_int_equal(counted(pods, POD_INJECTED), 1);
	assert_int_equal(pods_tally(pods).oldest_gate, 0);
	json_object_set_new(ended, "status", yaml("{phase: Succeeded}"));
	pods_put(pods, catalog, ended, 400);
	heard(&tale, "shop/web injected>gone ");
	assert_int_equal(pods_count(pods), 0);
	pods_put(pods, catalog, ended, 500);
	pods_delete(pods, "shop", "web");
	heard(&tale, "");
	end(pods, &tale);
}

static void keeps_confidential_pods_alone(void **state)
{
	static const char *const others[] = { "{metadata: {name: a, namespace: shop}}",
		"{metadata: {name: a, namespace: shop}, spec: {runtimeClassName: plain}}",
		"{metadata: {name: a, namespace: shop}, spec: {runtimeClassName: unknown}}",
		"{metadata: {name: a, namespace: shop}, spec: {runtimeClassName: 7}}", "{}" };
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM("info"));
	struct tale tale;
	struct pods *pods = begin(&tale);

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		auto_json json_t *pod = yaml(others[i]);
		pods_put(pods, catalog, pod, 1);
	}
	assert_int_equal(pods_count(pods), 0);
	heard(&tale, "");
	end(pods, &tale);
}

static void tells_why_a_pod_is_unprotected(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM("info"));
	auto_json json_t *bare = pod_of("web", "u1", "", "");
	struct tale tale;
	struct pods *pods = begin(&tale);

	(void)state;
	pods_put(pods, catalog, bare, 1);
	heard(&tale, "shop/web plain>unprotected ");
	assert_holds(tale.why, "is missing: the pod was not injected");
	end(pods, &tale);
}

static void another_pod_of_the_same_name_is_new(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM("info"));
	auto_json json_t *first = pod_of("web-0", "u1", "", GATE), *second = pod_of("web-0", "u2", "", GATE);
	struct tale tale;
	struct pods *pods = begin(&tale);

	(void)state;
	pods_put(pods, catalog, first, 100);
	heard(&tale, "shop/web-0 plain>gated ");
	pods_put(pods, catalog, second, 900);
	heard(&tale, "shop/web-0 plain>gated ");
	assert_int_equal(pods_count(pods), 1);
	assert_int_equal(pods_tally(pods).oldest_gate, 900);
	end(pods, &tale);
}

static void a_list_sweeps_what_it_did_not_bring(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM("info"));
	auto_json json_t *a = pod_of("a", "u1", "", GATE), *b = pod_of("b", "u2", "", GATE);
	struct tale tale;
	struct pods *pods = begin(&tale);

	(void)state;
	pods_begin(pods);
	pods_put(pods, catalog, a, 1);
	pods_put(pods, catalog, b, 1);
	pods_sweep(pods);
	assert_int_equal(pods_count(pods), 2);
	buf_reset(&tale.text);
	/* a list that broke off starts over */
	pods_begin(pods);
	pods_put(pods, catalog, a, 2);
	pods_begin(pods);
	pods_put(pods, catalog, b, 2);
	pods_sweep(pods);
	heard(&tale, "shop/a gated>gated shop/b gated>gated shop/a gated>gone ");
	assert_int_equal(pods_count(pods), 1);
	end(pods, &tale);
}

static void a_changed_catalog_judges_all_anew(void **state)
{
	auto_catalog struct catalog *before = catalog_of(NULL, TEAM("info")),
				    *after = catalog_of(NULL, TEAM("warn"));
	auto_catalog struct catalog *none = catalog_of(NULL, NULL);
	auto_json json_t *bare = pod_of("web", "u1", ", labels: {a: b}", "");
	auto_json json_t *done = injected(before, bare);
	struct tale tale;
	struct pods *pods = begin(&tale);

	(void)state;
	pods_put(pods, before, done, 1);
	heard(&tale, "shop/web plain>injected ");
	pods_rejudge(pods, before);
	heard(&tale, "");
	pods_rejudge(pods, after);
	heard(&tale, "shop/web injected>drifted ");
	assert_holds(tale.why, "init-data is not that of profile 'team'");
	pods_rejudge(pods, none);
	heard(&tale, "");
	assert_int_equal(counted(pods, POD_DRIFTED), 1);
	pods_rejudge(pods, before);
	heard(&tale, "shop/web drifted>injected ");
	end(pods, &tale);
}

static void labels_count_when_judging_from_the_record(void **state)
{
	auto_catalog struct catalog *any = catalog_of(NULL, TEAM("info"));
	auto_catalog struct catalog *web = catalog_of(NULL,
			"- {metadata: {name: team}, spec: {runtimeClasses: [snp], namespaceSelector: "
			"{matchLabels: {tenant:"
			" a}}, podSelector: {matchLabels: {app: web}}, initData: {logLevel: info}}}");
	auto_json json_t *one = pod_of("one", "u1", ", labels: {app: web}", "");
	auto_json json_t *two = pod_of("two", "u2", ", labels: {app: db}", "");
	auto_json json_t *one_done = injected(any, one), *two_done = injected(any, two);
	struct tale tale;
	struct pods *pods = begin(&tale);

	(void)state;
	pods_put(pods, any, one_done, 1);
	pods_put(pods, any, two_done, 1);
	buf_reset(&tale.text);
	pods_rejudge(pods, web);
	heard(&tale, "shop/two injected>drifted ");
	end(pods, &tale);
}

static void init_data_that_cannot_be_read_equals_none(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM("info"));
	auto_json json_t *pod = pod_of("web", "u1", ", annotations: {" INITDATA_ANNOTATION ": junk}", "");
	struct tale tale;
	struct pods *pods = begin(&tale);

	(void)state;
	pods_put(pods, catalog, pod, 1);
	heard(&tale, "shop/web plain>drifted ");
	end(pods, &tale);
}

static void count_seen(void *ctx, const struct pod_record *record)
{
	assert_int_equal(record->state, POD_INJECTED);
	++*(size_t *)ctx;
}

static void a_record_weighs_little(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL, TEAM("info"));
	auto_json json_t *bare = pod_of("web", "u1", ", labels: {app: web, tier: front}", "");
	auto_json json_t *pod = injected(catalog, bare);
	json_t *meta = json_object_get(pod, "metadata");
	struct tale tale = { .text = BUF_MAX(0) };
	char name[64], uid[64];
	size_t seen = 0;

	(void)state;
	struct mallinfo2 before = mallinfo2();
	struct pods *pods = pods_new(&(struct pods_handler){ &tale, on_changed });
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "web-7d4b9c6f5-%05d", i);
		snprintf(uid, sizeof(uid), "705ab4f5-6393-11e8-b7cc-4201%08d", i);
		json_object_set_new(meta, "name", json_string(name));
		json_object_set_new(meta, "uid", json_string(uid));
		pods_put(pods, catalog, pod, 1);
	}
	struct mallinfo2 after = mallinfo2();
	/* sanitizers have an allocator of their own, which says nothing here */
	if (after.uordblks > before.uordblks) {
		size_t each = (after.uordblks - before.uordblks) / MANY;
		print_message("# bytes per record over %d pods: %zu\n", MANY, each);
		assert_true(each < 400);
	}
	assert_int_equal(pods_count(pods), MANY);
	assert_int_equal(tale.calls, MANY);
	pods_each(pods, count_seen, &seen);
	assert_int_equal(seen, MANY);
	pods_begin(pods);
	pods_sweep(pods);
	assert_int_equal(pods_count(pods), 0);
	pods_free(pods);
	pods_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_a_pod_from_gate_to_end),
		cmocka_unit_test(keeps_confidential_pods_alone),
		cmocka_unit_test(tells_why_a_pod_is_unprotected),
		cmocka_unit_test(another_pod_of_the_same_name_is_new),
		cmocka_unit_test(a_list_sweeps_what_it_did_not_bring),
		cmocka_unit_test(a_changed_catalog_judges_all_anew),
		cmocka_unit_test(labels_count_when_judging_from_the_record),
		cmocka_unit_test(init_data_that_cannot_be_read_equals_none),
		cmocka_unit_test(a_record_weighs_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
