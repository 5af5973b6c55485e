/* SPDX-License-Identifier: Apache-2.0 */
/* initdata-gen blob: the block image that a runtime would attach. */
#include "base/err.h"
#include "initdata-gen/source.h"
#include "initdata-gen/text.h"
#include "initdata-gen/verbs.h"
#include "initdata/carrier.h"
#include "initdata/document.h"

#include <unistd.h>

struct blob {
	const char *file;
	const char *to;
	int from;
};

static int run(void *settings, struct err *err)
{
	const struct blob *blob = settings;
	auto_buf struct buf text = BUF_MAX(INITDATA_TEXT_MAX), image = BUF_MAX(INITDATA_IMAGE_MAX);
	auto_initdata struct initdata doc;

	initdata_init(&doc);
	if (!blob->to && isatty(STDOUT_FILENO))
		return err_set(err, ERR_USAGE, "the image is binary: give --to FILE, or a pipe");
	if (source_load_one(blob->file, (enum source_form)blob->from, &text, err) < 0 ||
			initdata_parse(buf_span(&text), &doc, err) < 0 ||
			initdata_image_format(buf_span(&text), &image, err) < 0)
		return -1;
	return text_save(blob->to, buf_span(&image), err);
}

static const struct opt options[] = {
	OPT_TEXT(struct blob, to, "to", 0, "FILE", "where the image goes; standard output without it"),
	OPT_ENUM(struct blob, from, "from", 0, "FORM", "what the file is", source_form_words),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_MAYBE(struct blob, file, "FILE",
			"document, annotation, manifest or image; standard input without it"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "an image to start a guest by hand with", "initdata-gen blob --to initdata.img initdata.toml" },
	OPT_EXAMPLE_END,
};

const struct opt_verb blob_verb = {
	.name = "blob",
	.summary = "writes a document as the block image that a guest reads",
	.description = "The image is what Kata's runtime makes of the annotation: a magic, a length, the "
		       "packed document, "
		       "zeros up to whole sectors. For guests that are started by hand, and for tests.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct blob),
	.run = run,
};
