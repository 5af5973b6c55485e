#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The TOML reader against the public test corpus of TOML 1.0.0 (Go module toml-lang/toml-test, pinned by
# tests/vectors/toml/go.sum; MIT, so no copy stands here). TAP comes from the driver, one line for each folder.
set -euo pipefail
cd "$(dirname "$0")/../.."
driver=$PWD/${1:?usage: toml-corpus.sh OUT}/tests/drivers/toml_corpus
module=github.com/toml-lang/toml-test/v2
go=$(tools/go.sh)
export GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOWORK=off

cd tests/vectors/toml
"$go" mod download "$module"
corpus=$("$go" list -m -f '{{.Dir}}' "$module")/tests
exec "$driver" "$corpus" "$corpus/files-toml-1.0.0"
