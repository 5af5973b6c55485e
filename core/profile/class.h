/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime behind a RuntimeClass does with the annotations of a pod: the capability table. Kata's runtimes
 * accept a hypervisor annotation only when the handler's `enable_annotations` names it; the Go runtime fails the
 * sandbox otherwise, the Rust runtime ignores it without a word, and the remote hypervisor never forwards kernel
 * parameters at all (specification of init-data, section 6). So nobody may inject before asking here.
 *
 *     handler globs          confidential   enable list (regexes)             else     kernel_params
 *     kata-qemu-snp          yes            cc_init_data, kernel_params, …    fails    reach the guest
 *     kata-qemu-snp-runtime-rs  yes         …                                 ignored  reach the guest
 *     kata-remote            yes            cc_init_data, default_vcpus, …    fails    never reach the guest
 *
 * The built-in rows hold the defaults of Kata 4.1; distributions change them, so an installation's settings may put
 * rows of its own before them. The first row with a matching glob counts.
 *
 * Bounds: CLASS_ROWS_MAX rows of settings, CLASS_LIST_MAX globs or regexes each.
 * Ownership: a table owns its rows (class_table_free); found rows are borrowed from it.
 * Errors: ERR_FORMAT naming the path for settings that do not fit.
 */
#ifndef COCOON_PROFILE_CLASS_H
#define COCOON_PROFILE_CLASS_H

#include "base/span.h"

#include <jansson.h>

struct err;
struct class_table;

#define CLASS_ROWS_MAX 64
#define CLASS_LIST_MAX 64

/* What a runtime does with a hypervisor annotation that is not on its enable list. */
enum class_else { CLASS_FAILS, CLASS_IGNORES };

struct class_caps {
	const char *name; /* the row, for messages: "built-in table" or "classes[0]" */
	bool confidential;
	enum class_else otherwise;
	bool forwards_kernel_params; /* an enabled kernel_params annotation reaches the guest */
	const struct class_enable *enable;
};

/*
 * A table of the settings' rows, then the built-in ones. `rows` is the settings' array (NULL for none):
 *   [{"handlers": ["kata-mine-*"], "confidential": true, "hypervisorAnnotations": ["cc_init_data", "default_.*"],
 *     "notEnabled": "Fail", "kernelParams": "Forward"}]
 */
int class_table_new(const json_t *rows, struct class_table **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void class_table_free(struct class_table *table);

/* The row for a handler, or NULL when no row matches. */
const struct class_caps *class_find(const struct class_table *table, const char *handler)
		__attribute__((nonnull));

/*
 * Is a RuntimeClass of that name confidential, for who sees manifests alone? One that a glob names, or one that is called
 * as a confidential handler is, by convention. False for NULL.
 */
bool class_is_confidential(const struct class_table *table, const char *const *globs, size_t count,
		const char *name) __attribute__((nonnull(1)));

/* What is assumed of a handler that no row matches but whose RuntimeClass is labelled confidential. */
const struct class_caps *class_unknown(const struct class_table *table) __attribute__((nonnull));

/*
 * True when the runtime takes the annotation. Only keys below io.katacontainers.config.hypervisor. are gated: their
 * last part is searched with the enable list's regexes, unanchored, as the runtimes do.
 */
bool class_takes(const struct class_caps *caps, const char *annotation) __attribute__((nonnull));

/* Handler names of the built-in confidential rows, without globs: an array the caller owns. They name RuntimeClasses
 * by convention, so that webhook conditions cover them before anybody has seen such an object. */
json_t *class_builtin_handlers(void) __attribute__((warn_unused_result));

#endif
