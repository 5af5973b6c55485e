/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms that Kubernetes gives to names and keys (apimachinery's validation rules).
 *
 *     label       DNS-1123 label: 1 … 63 of a-z 0-9 '-', ends alphanumeric            namespaces
 *     subdomain   DNS-1123 subdomain: labels joined by '.', at most 253                most object names
 *     label key   [subdomain "/"] 1 … 63 of A-Z a-z 0-9 '-' '_' '.', ends alphanumeric
 *     label value empty, or the form of a key's second half
 *     annotation key  a label key whose prefix may hold capitals
 */
#ifndef COCOON_KUBE_NAME_H
#define COCOON_KUBE_NAME_H

#include "base/span.h"

#define NAME_LABEL_MAX     63
#define NAME_SUBDOMAIN_MAX 253

bool name_is_label(struct span text);
bool name_is_subdomain(struct span text);
bool name_is_label_key(struct span text);
bool name_is_label_value(struct span text);
bool name_is_annotation_key(struct span text);

#endif
