/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

static void writes_families_and_samples(void **state)
{
	auto_buf struct buf out = BUF_MAX(4096);

	(void)state;
	metric_head(&out, "a_total", "counter", "Things.");
	metric_count(&out, "a_total", "", 0);
	metric_count(&out, "a_total", "k=\"v\"", UINT64_MAX);
	metric_value(&out, "b", "", 1.5);
	assert_string_equal(buf_text(&out),
			"# HELP a_total Things.\n# TYPE a_total counter\na_total 0\n"
			"a_total{k=\"v\"} 18446744073709551615\nb 1.500000\n");
}

static void puts_an_observation_into_the_first_bucket_that_holds_it(void **state)
{
	static const struct {
		int64_t observed;
		unsigned bucket;
	} cases[] = { { 0, 0 }, { 50, 0 }, { 51, 1 }, { 100, 1 }, { 200, 2 }, { 10000, 7 }, { 10001, 8 },
		{ 5000000, METRIC_BUCKETS - 1 }, { 5000001, METRIC_BUCKETS },
		{ INT64_MAX / 2, METRIC_BUCKETS } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct metric_histogram histogram = { .count = 0 };
		metric_observe(&histogram, cases[i].observed);
		for (unsigned b = 0; b <= METRIC_BUCKETS; b++)
			assert_int_equal(histogram.buckets[b], b == cases[i].bucket);
		assert_int_equal(histogram.count, 1);
		assert_int_equal(histogram.sum, cases[i].observed);
	}
}

static void a_histogram_is_cumulative_and_in_seconds(void **state)
{
	struct metric_histogram histogram = { .count = 0 };
	auto_buf struct buf plain = BUF_MAX(8192), labelled = BUF_MAX(8192);

	(void)state;
	metric_observe(&histogram, 40);
	metric_observe(&histogram, 60);
	metric_observe(&histogram, 60000000);
	metric_histogram(&plain, "t_seconds", "", &histogram);
	assert_non_null(strstr(buf_text(&plain), "t_seconds_bucket{le=\"5e-05\"} 1\n"));
	assert_non_null(strstr(buf_text(&plain), "t_seconds_bucket{le=\"0.0001\"} 2\n"));
	assert_non_null(strstr(buf_text(&plain), "t_seconds_bucket{le=\"5\"} 2\n"));
	assert_non_null(strstr(buf_text(&plain), "t_seconds_bucket{le=\"+Inf\"} 3\n"));
	assert_non_null(strstr(buf_text(&plain), "t_seconds_sum 60.000100\nt_seconds_count 3\n"));
	metric_histogram(&labelled, "t_seconds", "path=\"/x\"", &histogram);
	assert_non_null(strstr(buf_text(&labelled), "t_seconds_bucket{path=\"/x\",le=\"0.0001\"} 2\n"));
	assert_non_null(strstr(buf_text(&labelled), "t_seconds_sum{path=\"/x\"} 60.000100\n"));
	assert_non_null(strstr(buf_text(&labelled), "t_seconds_count{path=\"/x\"} 3\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_families_and_samples),
		cmocka_unit_test(puts_an_observation_into_the_first_bucket_that_holds_it),
		cmocka_unit_test(a_histogram_is_cumulative_and_in_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
