/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "tee/attester_own.h"

#include <stdlib.h>
#include <string.h>

#define TSM_REPORTS  "/sys/kernel/config/tsm/report"
#define MEASUREMENTS "/sys/devices/virtual/misc/tdx_guest/measurements"
#define CCEL         "/sys/firmware/acpi/tables/data/CCEL"
#define AAEL         "/run/attestation-agent/eventlog"
#define AK_HANDLE    UINT32_C(0x81010002)

/* in the order of detection */
static const struct attester_ops *const platforms[] = { &attester_tdx, &attester_snp, &attester_tpm,
	&attester_sample };
#define PLATFORMS (sizeof(platforms) / sizeof(platforms[0]))

static char *path_of(const char *given, const char *usual)
{
	return xstrdup(given ? given : usual);
}

static struct attester *attester_new(const struct attester_options *options)
{
	struct attester *self = xcalloc(1, sizeof(*self));

	pthread_mutex_init(&self->lock, NULL);
	self->sample_device = options->sample_device;
	self->tsm = path_of(options->tsm, TSM_REPORTS);
	self->tdx = path_of(options->tdx, MEASUREMENTS);
	self->ccel = path_of(options->ccel, CCEL);
	self->eventlog = path_of(options->eventlog, AAEL);
	self->tpm = options->tpm ? xstrdup(options->tpm) : NULL;
	self->ak_handle = options->ak_handle ? options->ak_handle : AK_HANDLE;
	return self;
}

void attester_free(struct attester *self)
{
	if (!self)
		return;
	pthread_mutex_destroy(&self->lock);
	free(self->tsm);
	free(self->tdx);
	free(self->ccel);
	free(self->eventlog);
	free(self->tpm);
	free(self);
}

void attester_lock(struct attester *self)
{
	pthread_mutex_lock(&self->lock);
}

void attester_unlock(struct attester *self)
{
	pthread_mutex_unlock(&self->lock);
}

/* The kind that was asked for. */
static int choose(struct attester *self, const char *name, struct err *err)
{
	enum tee_kind kind;

	if (tee_kind_find(span_of(name), &kind, err) < 0)
		return -1;
	for (size_t i = 0; i < PLATFORMS && !self->ops; i++) {
		if (platforms[i]->kind == kind)
			self->ops = platforms[i];
	}
	if (!self->ops)
		return err_set(err, ERR_USAGE, "no attester for '%s' here: one of tdx, snp, tpm, sample",
				name);
	if (self->ops->probe(self, err) < 0)
		return err_wrap(err, "attester '%s'", name);
	return 0;
}

/* What is there but does not answer is an error: evidence of a lesser kind would be refused elsewhere, unexplained. */
static int detect(struct attester *self, struct err *err)
{
	for (size_t i = 0; i < PLATFORMS; i++) {
		struct err why = ERR_NONE;
		self->ops = platforms[i];
		if (self->ops->probe(self, &why) == 0)
			return 0;
		if (why.kind != ERR_NOT_FOUND)
			return err_set(err, why.kind, "attester '%s': %s", tee_kind_name(self->ops->kind),
					why.text);
	}
	return err_set(err, ERR_BUG, "no kind of evidence was found");
}

int attester_open(const struct attester_options *options, struct attester **out, struct err *err)
{
	auto_attester struct attester *self = attester_new(options);
	int rc = options->kind ? choose(self, options->kind, err) : detect(self, err);

	if (rc < 0)
		return -1;
	*out = take(&self);
	return 0;
}

enum tee_kind attester_kind(const struct attester *self)
{
	return self->ops->kind;
}

static int check_report_data(struct span report_data, struct err *err)
{
	if (report_data.len > REPORT_DATA_MAX)
		return err_set(err, ERR_USAGE, "report data of %zu bytes: no field holds more than %d",
				report_data.len, REPORT_DATA_MAX);
	return 0;
}

int attester_evidence(struct attester *self, struct span report_data, json_t **out, struct err *err)
{
	if (check_report_data(report_data, err) < 0)
		return -1;
	attester_lock(self);
	int rc = self->ops->evidence(self, report_data, out, err);
	attester_unlock(self);
	return rc < 0 ? err_wrap(err, "evidence '%s'", tee_kind_name(self->ops->kind)) : 0;
}

json_t *attester_devices(const struct attester *self)
{
	json_t *names = json_array();

	if (!names ||
			(self->sample_device &&
					json_array_append_new(names,
							json_string(tee_kind_name(TEE_KIND_SAMPLE_DEVICE))) <
							0))
		abort();
	return names;
}

int attester_device_evidence(struct attester *self, struct span report_data, json_t **out, struct err *err)
{
	if (check_report_data(report_data, err) < 0)
		return -1;
	json_t *devices = json_object();
	if (!devices ||
			(self->sample_device &&
					json_object_set_new(devices, tee_kind_name(TEE_KIND_SAMPLE_DEVICE),
							attester_sample_evidence("2", report_data)) < 0))
		abort();
	*out = devices;
	return 0;
}

int attester_check_initdata(struct attester *self, enum digest_alg alg, const unsigned char *digest,
		bool *bound, struct err *err)
{
	*bound = false;
	if (!self->ops->check_initdata)
		return 0;
	attester_lock(self);
	int rc = self->ops->check_initdata(self, alg, digest, err);
	attester_unlock(self);
	if (rc < 0)
		return err_wrap(err, "init-data");
	*bound = true;
	return 0;
}

/* ---- runtime measurements ------------------------------------------------------------------------------- */

bool attester_measures(const struct attester *self, enum digest_alg *alg)
{
	if (!self->ops->map)
		return false;
	*alg = self->ops->alg;
	return true;
}

unsigned attester_register(const struct attester *self, unsigned pcr)
{
	return self->ops->map ? self->ops->map(pcr) : pcr;
}
