/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target: initdata_annotation_parse(), initdata_inspect(), initdata_parse(), initdata_check_entries(),
 * initdata_render(). The input is an annotation value, or, when it is none, the document itself. What parses and may
 * be rendered must read back as the same entries, and rendering is stable.
 */
#include "base/err.h"
#include "codec/json.h"
#include "initdata/carrier.h"
#include "initdata/check.h"
#include "initdata/document.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf toml = BUF_MAX(INITDATA_TEXT_MAX), out = BUF_MAX(INITDATA_TEXT_MAX);
	auto_initdata struct initdata doc, again;
	auto_json json_t *findings = json_array();
	struct err err = ERR_NONE;

	initdata_init(&doc);
	initdata_init(&again);
	if (initdata_annotation_parse(span_new(data, size), &toml, &err) < 0)
		buf_add(&toml, data, size);
	if (initdata_inspect(buf_span(&toml), &doc, findings, &err) == 0)
		initdata_check_entries(doc.data, findings);
	if (initdata_parse(buf_span(&toml), &doc, &err) < 0 ||
			initdata_render(doc.alg, doc.data, &out, &err) < 0)
		return 0;
	if (initdata_parse(buf_span(&out), &again, &err) < 0 || !json_equal(doc.data, again.data))
		abort();
	buf_reset(&toml);
	if (initdata_render(again.alg, again.data, &toml, &err) < 0 ||
			!span_eq(buf_span(&toml), buf_span(&out)))
		abort();
	return 0;
}
