/* SPDX-License-Identifier: Apache-2.0 */
/* What an UPDATE judges, and what is tried to have images passed over: each bypass is refused, or judged whole. */
#include "tests/policy/gate_scene.h"

#define SHOP                                                                                            \
	"- {name: shop, spec: {match: {podSelector: {matchLabels: {app: shop}}}, encryption: {layers: " \
	"All}}}\n"
#define LAX "- {name: lax, spec: {match: {podSelector: {matchLabels: {app: lax}}}}}\n"
#define STRICT                                                                                         \
	"- {name: strict, spec: {match: {podSelector: {matchLabels: {app: shop}}}, digest: {require: " \
	"true}}}\n"

#define LABELLED(app, spec) \
	"{metadata: {name: web, labels: {app: " app "}}, spec: {runtimeClassName: snp, " spec "}}"
#define APP   "containers: [{name: c, image: registry.example/app}]"
#define PLAIN "containers: [{name: c, image: registry.example/plain}]"

/* A pod as it is stored: created through both halves of the webhook. */
static json_t *created(const struct policy_set *set, const char *text)
{
	auto_json json_t *pod = yaml(text);
	const struct question question = { .set = set };
	json_t *after = mutated(&question, pod);
	auto_gate_result struct gate_result result;

	ask(&question, after, &result);
	if (!result.allowed)
		fail_msg("%s", buf_text(&result.message));
	return after;
}

/* Another spec or other labels for a pod, the rest as it is. */
static json_t *changed(const json_t *pod, const char *metadata, const char *spec)
{
	auto_json json_t *more_metadata = yaml(metadata);
	auto_json json_t *more_spec = yaml(spec);
	json_t *copy = json_deep_copy(pod);

	json_object_update_recursive(json_object_get(copy, "metadata"), more_metadata);
	json_object_update(json_object_get(copy, "spec"), more_spec);
	return copy;
}

/* What an update comes to: the images that were judged, or "skipped"; and the message. */
static char *updated(const struct policy_set *set, const json_t *before, const json_t *after)
{
	auto_registry_scene struct registry_scene scene = { .asked = 0 };
	const struct question question = { .set = set, .before = before, .scene = &scene };
	auto_gate_result struct gate_result result;
	struct buf text = BUF_MAX(1 << 16);

	ask(&question, after, &result);
	assert_false(result.pending);
	assert_int_equal(result.skipped, result.line_count == 0);
	buf_puts(&text, result.skipped ? "skipped " : "");
	for (size_t i = 0; i < result.line_count; i++)
		buf_printf(&text, "%s:%s ", result.lines[i].policy, result.lines[i].path);
	buf_puts(&text, result.allowed ? "allowed" : buf_text(&result.message));
	return buf_take(&text);
}

static void passes_over_what_is_unchanged_under_the_same_policies(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", SHOP LAX);
	auto_json json_t *pod = created(set, LABELLED("shop", APP));
	static const struct {
		const char *metadata, *spec, *result;
	} cases[] = {
		{ "{}", "{}", "skipped allowed" },
		{ "{finalizers: [], ownerReferences: [{name: x}]}", "{}", "skipped allowed" },
		{ "{labels: {more: label}}", "{}", "skipped allowed" },
		{ "{annotations: {note: x}}", "{}", "skipped allowed" },
		{ "{}", "{activeDeadlineSeconds: 5, tolerations: [{key: x}]}", "skipped allowed" },
		/* what is new is judged alone */
		{ "{}", "{containers: [{name: c, image: 'registry.example/app:2'}]}",
				"shop:spec.containers[0].image allowed" },
		{ "{}", "{ephemeralContainers: [{name: e, image: 'registry.example/app'}]}",
				"shop:spec.ephemeralContainers[0].image allowed" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *after = changed(pod, cases[i].metadata, cases[i].spec);
		auto_free char *result = updated(set, pod, after);
		assert_string_equal(result, cases[i].result);
	}
}

static void new_images_are_judged(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", SHOP);
	auto_json json_t *pod = created(set,
			LABELLED("shop",
					"containers: [{name: c, image: registry.example/app}, {name: d, "
					"image: "
					"'registry.example/app:2'}], volumes: [{name: v, image: {reference: "
					"registry.example/app}}]"));
	static const struct {
		const char *spec, *place;
	} cases[] = {
		{ "{containers: [{name: c, image: registry.example/plain}, {name: d, image: "
		  "'registry.example/app:2'}]}",
				"shop:spec.containers[0].image " },
		{ "{ephemeralContainers: [{name: e, image: registry.example/plain}]}",
				"shop:spec.ephemeralContainers[0].image " },
		{ "{initContainers: [{name: i, image: registry.example/plain}]}",
				"shop:spec.initContainers[0].image " },
		{ "{volumes: [{name: v, image: {reference: registry.example/plain}}]}",
				"shop:spec.volumes[0].image.reference " },
		/* a name that another container has; names that are none */
		{ "{ephemeralContainers: [{name: c, image: registry.example/plain}]}",
				"shop:spec.ephemeralContainers[0].image " },
		{ "{ephemeralContainers: [{image: registry.example/plain}]}",
				"shop:spec.ephemeralContainers[0].image " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *after = changed(pod, "{}", cases[i].spec);
		auto_free char *result = updated(set, pod, after);
		assert_int_equal(strncmp(result, cases[i].place, strlen(cases[i].place)), 0);
		assert_holds(result, "encryption.layers: ");
	}
	/* the same images in other containers, and in a new one: what runs there is pulled anew */
	auto_json json_t *swapped = changed(pod, "{}",
			"{containers: [{name: c, image: 'registry.example/app:2'}, {name: d, image: "
			"registry.example/app}]}");
	auto_free char *both = updated(set, pod, swapped);
	assert_string_equal(both, "shop:spec.containers[0].image shop:spec.containers[1].image allowed");
}

static void other_policies_judge_all_of_it_again(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", SHOP LAX);
	auto_policy_set struct policy_set *more = set_of("Deny", SHOP LAX STRICT);
	auto_policy_set struct policy_set *without = set_of("Deny", LAX);
	auto_policy_set struct policy_set *unmatched = set_of("Warn", SHOP LAX);
	auto_json json_t *pod = created(set, LABELLED("shop", APP));
	auto_json json_t *touched = changed(pod, "{labels: {more: label}}", "{}");
	auto_json json_t *lax = created(set, LABELLED("lax", PLAIN));
	auto_json json_t *moved = changed(lax, "{labels: {app: shop}}", "{}");
	auto_json json_t *nowhere = changed(lax, "{labels: {app: other}}", "{}");

	(void)state;
	/* the policies changed since */
	auto_free char *stricter = updated(more, pod, touched);
	assert_holds(stricter, "ImagePolicy strict: digest.require: ");
	auto_free char *gone = updated(without, pod, touched);
	assert_holds(gone, "no ImagePolicy takes it");
	auto_free char *rest = updated(unmatched, pod, touched);
	assert_string_equal(rest, "shop:spec.containers[0].image allowed");
	/* the pod moves under others */
	auto_free char *refused = updated(set, lax, moved);
	assert_holds(refused, "ImagePolicy shop: encryption.layers: ");
	auto_free char *lost = updated(set, lax, nowhere);
	assert_holds(lost, "no ImagePolicy takes it");
	/* it gets other init-data, which policies look at */
	auto_json json_t *injected_later = changed(pod, "{annotations: {" INITDATA_ANNOTATION ": x}}", "{}");
	auto_free char *anew = updated(set, pod, injected_later);
	assert_string_equal(anew, "shop:spec.containers[0].image allowed");
	/* but a change that brings nothing in is nobody's business */
	auto_free char *same = updated(more, pod, pod);
	assert_string_equal(same, "skipped allowed");
}

static void the_annotation_is_the_webhooks_word_alone(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", SHOP LAX);
	auto_json json_t *shop = created(set, LABELLED("shop", APP));
	auto_json json_t *lax = created(set, LABELLED("lax", PLAIN));
	auto_json json_t *bare = yaml(LABELLED("lax", PLAIN));
	const char *foreign = annotation_of(shop, GATE_ANNOTATION);
	auto_free char *forging = xasprintf("{annotations: {'" GATE_ANNOTATION "': '%s'}}", foreign);
	auto_json json_t *forged = changed(lax, forging, "{}");
	auto_json json_t *added = changed(bare, forging, "{}");
	auto_json json_t *stripped = changed(lax, "{}", "{}");

	(void)state;
	/* that of other policies, to be moved under them later */
	auto_free char *changes = updated(set, lax, forged);
	assert_holds(changes, "may not be added, changed or removed after creation");
	auto_free char *adds = updated(set, bare, added);
	assert_holds(adds, "may not be added, changed or removed after creation");
	json_object_del(json_object_get(stripped, "metadata"), "annotations");
	auto_free char *removes = updated(set, lax, stripped);
	assert_holds(removes, "may not be added, changed or removed after creation");
	/* an empty one stands for no policies, not for a pod that none takes */
	auto_json json_t *blank = yaml(
			"{metadata: {labels: {app: x}, annotations: {cocoon.dev/image-policies: ''}}, spec: "
			"{runtimeClassName: snp, " PLAIN "}}");
	auto_json json_t *other = changed(blank, "{labels: {app: y2}}", "{}");
	auto_free char *empty = updated(set, blank, other);
	assert_holds(empty, "no ImagePolicy takes it");
	/* both at once: what the stored pod says counts, so all is judged, too */
	auto_json json_t *moved = changed(forged, "{labels: {app: shop}}", "{}");
	auto_free char *both = updated(set, lax, moved);
	assert_holds(both, "may not be added, changed or removed after creation");
	assert_holds(both, "ImagePolicy shop: encryption.layers: ");
}

static void a_forged_annotation_is_refused_at_creation(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", SHOP LAX);
	auto_policy_set struct policy_set *audit = set_of("Allow", "- {name: a, spec: {mode: Audit}}");
	auto_policy_set struct policy_set *empty = set_of("Deny", "[]");
	auto_json json_t *shop = created(set, LABELLED("shop", APP));
	auto_free char *text = xasprintf("{metadata: {labels: {app: lax}, annotations: {'" GATE_ANNOTATION
					 "': '%s'}}, spec: {runtimeClassName: snp, " PLAIN "}}",
			annotation_of(shop, GATE_ANNOTATION));
	const struct policy_set *const sets[] = { set, audit, empty };
	auto_json json_t *pod = yaml(text);

	(void)state;
	for (size_t i = 0; i < COUNT(sets); i++) {
		auto_gate_result struct gate_result result;
		struct question question = { .set = sets[i] };
		ask(&question, pod, &result);
		assert_false(result.allowed);
		assert_holds(buf_text(&result.message), "create the pod again without it");
		/* a pod that passes the mutating half loses it, or gets the right one */
		auto_json json_t *after = mutated(&question, pod);
		auto_gate_result struct gate_result second;
		ask(&question, after, &second);
		assert_true(second.allowed);
		/* neither templates nor files are pods */
		auto_gate_result struct gate_result third, fourth;
		question.template = "spec.template";
		ask(&question, pod, &third);
		assert_true(third.allowed);
		question = (struct question){ .set = sets[i], .unseen = true };
		ask(&question, pod, &fourth);
		assert_true(fourth.allowed);
	}
}

static void a_pod_without_the_annotation_is_judged_whole_each_time(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", SHOP);
	auto_json json_t *good = yaml(LABELLED("shop", APP));
	auto_json json_t *good_after = changed(good, "{labels: {more: label}}", "{}");
	auto_json json_t *bad = yaml(LABELLED("shop", PLAIN));
	auto_json json_t *bad_after = changed(bad, "{labels: {more: label}}", "{}");

	(void)state;
	auto_free char *first = updated(set, good, good_after);
	assert_string_equal(first, "shop:spec.containers[0].image allowed");
	auto_free char *second = updated(set, bad, bad_after);
	assert_holds(second, "ImagePolicy shop: encryption.layers: ");
}

static void a_pod_on_its_way_out_is_let_go_with_what_it_has(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", SHOP);
	auto_json json_t *going = yaml(
			"{metadata: {name: w, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [x], "
			"labels: {app: shop}}, spec: {runtimeClassName: snp, " PLAIN "}}");
	auto_json json_t *free_to_go = changed(going, "{finalizers: [], labels: {more: label}}", "{}");
	auto_json json_t *another =
			changed(going, "{}", "{containers: [{name: c, image: registry.example/plain2}]}");
	auto_json json_t *alive = yaml(LABELLED("shop", PLAIN));
	auto_json json_t *claims =
			changed(alive, "{deletionTimestamp: '2026-01-01T00:00:00Z', labels: {a: b}}", "{}");

	(void)state;
	auto_free char *gone = updated(set, going, free_to_go);
	assert_string_equal(gone, "skipped allowed");
	auto_free char *swapped = updated(set, going, another);
	assert_holds(swapped, "ImagePolicy shop: encryption.layers: ");
	/* nor do its secrets matter any more */
	auto_policy_set struct policy_set *secrets =
			set_of("Deny", "- {name: p, spec: {secrets: {plain: Deny}}}");
	auto_json json_t *with = changed(going, "{}", "{volumes: [{name: v, secret: {secretName: s}}]}");
	auto_json json_t *with_after = changed(with, "{finalizers: [], labels: {more: label}}", "{}");
	auto_free char *let_go = updated(secrets, with, with_after);
	assert_string_equal(let_go, "skipped allowed");
	/* the stored pod says whether it is going, not the user; and none is when it is made */
	auto_free char *claimed = updated(set, alive, claims);
	assert_holds(claimed, "ImagePolicy shop: encryption.layers: ");
	auto_gate_result struct gate_result result;
	const struct question question = { .set = set };
	ask(&question, going, &result);
	assert_false(result.allowed);
}

static void the_hash_is_of_names_and_contents_whatever_their_order(void **state)
{
	static const char *const same[] = { SHOP LAX, LAX SHOP,
		SHOP "- {name: far, spec: {match: {runtimeClasses: [tdx]}}}\n" };
	static const char *const others[] = {
		"- {name: shop2, spec: {match: {podSelector: {matchLabels: {app: shop}}}, encryption: "
		"{layers: All}}}\n",
		"- {name: shop, spec: {match: {podSelector: {matchLabels: {app: shop}}}, encryption: "
		"{layers: Any}}}\n",
		SHOP STRICT,
	};
	auto_policy_set struct policy_set *first = set_of("Deny", SHOP);
	auto_json json_t *pod = yaml(LABELLED("shop", APP));
	struct question question = { .set = first };
	auto_gate_result struct gate_result wanted;

	(void)state;
	ask(&question, pod, &wanted);
	for (size_t i = 0; i < COUNT(same) + COUNT(others); i++) {
		auto_policy_set struct policy_set *set =
				set_of("Deny", i < COUNT(same) ? same[i] : others[i - COUNT(same)]);
		auto_gate_result struct gate_result result;
		question.set = set;
		ask(&question, pod, &result);
		assert_int_equal(!strcmp(result.hash, wanted.hash), i < COUNT(same));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_over_what_is_unchanged_under_the_same_policies),
		cmocka_unit_test(new_images_are_judged),
		cmocka_unit_test(other_policies_judge_all_of_it_again),
		cmocka_unit_test(the_annotation_is_the_webhooks_word_alone),
		cmocka_unit_test(a_forged_annotation_is_refused_at_creation),
		cmocka_unit_test(a_pod_without_the_annotation_is_judged_whole_each_time),
		cmocka_unit_test(a_pod_on_its_way_out_is_let_go_with_what_it_has),
		cmocka_unit_test(the_hash_is_of_names_and_contents_whatever_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
