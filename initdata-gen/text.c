/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata-gen/text.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

const char *const text_form_words[] = { "text", "json", NULL };
const char *const text_algorithm_words[] = { "sha256", "sha384", "sha512", NULL };

static bool is_standard(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

int text_load(const char *path, struct buf *out, struct err *err)
{
	return is_standard(path) ? fs_read_stdin(out, err) : fs_read(path, out, err);
}

int text_load_json(const char *path, json_t **out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(TEXT_FILE_MAX);

	*out = NULL;
	if (!path)
		return 0;
	if (text_load(path, &text, err) < 0)
		return -1;
	if (!span_is_utf8(buf_span(&text)) || memchr(buf_text(&text), 0, text.len))
		return err_set(err, ERR_FORMAT, "'%s' is no text in UTF-8", path);
	*out = json_stringn(buf_text(&text), text.len);
	return 0;
}

int text_save(const char *path, struct span bytes, struct err *err)
{
	if (!is_standard(path))
		return fs_write_atomic(path, bytes, 0666, err);
	if (bytes.len && fwrite(bytes.ptr, 1, bytes.len, stdout) != bytes.len)
		return err_errno(err, ERR_IO, "writing to standard output");
	return 0;
}

void text_indent(struct buf *out, const char *indent, struct span text)
{
	struct span rest = text, line;

	rest.len -= span_ends(text, "\n");
	while (span_next(&rest, '\n', &line)) {
		buf_puts(out, indent);
		for (size_t i = 0; i < line.len; i++) {
			unsigned char c = (unsigned char)line.ptr[i];

			buf_putc(out, (c < ' ' && c != '\t') || c == 0x7f ? '?' : (char)c);
		}
		buf_putc(out, '\n');
	}
}

/* One line on standard error. */
static void say(const char *kind, const char *text)
{
	struct err clean = ERR_NONE;

	err_set(&clean, ERR_FORMAT, "%s", text);
	fprintf(stderr, "%s: %s\n", kind, clean.text);
}

void text_warn(const json_t *texts)
{
	const json_t *text;
	size_t i;

	json_array_foreach (texts, i, text)
		say("warning", json_string_value(text));
}

void text_findings(const json_t *findings)
{
	const json_t *finding;
	size_t i;

	json_array_foreach (findings, i, finding) {
		const char *path = json_text_at(finding, "path", NULL);
		const char *remedy = json_text_at(finding, "remedy", NULL);
		auto_free char *line = xasprintf("%s: %s%s%s%s%s", json_text_at(finding, "file", NULL), path,
				*path ? " " : "", json_text_at(finding, "text", NULL), remedy ? ": " : "",
				remedy ? remedy : "");

		say(json_text_at(finding, "severity", NULL), line);
	}
}

int text_pair(const char *option, const char *word, char **key, const char **value, struct err *err)
{
	const char *equals = strchr(word, '=');

	if (!equals || equals == word || !equals[1])
		return err_set(err, ERR_USAGE, "--%s '%s': write NAME=VALUE", option, word);
	*key = xmemdup0(word, (size_t)(equals - word));
	*value = equals + 1;
	return 0;
}
