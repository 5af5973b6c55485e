# SPDX-License-Identifier: Apache-2.0
# For the command line tests of initdata-gen: sourced, with OUT as $1. Defines $gen and $examples beside what
# tests/tap.bash has.
# shellcheck source=tests/tap.bash
source "$(dirname "${BASH_SOURCE[0]}")/../tap.bash"
# shellcheck disable=SC2154 # root and bin are tap.bash's
gen=$bin/initdata-gen examples=$root/crds/examples

# The two published documents.
printf '%s\n' 'version = "0.1.0"' 'algorithm = "sha384"' '' '[data]' "\"aa.toml\" = '''" '[token_configs]' \
	'[token_configs.kbs]' 'url = "http://127.0.0.1:8080"' "'''" >a.toml
printf '%s\n' 'version = "0.1.0"' 'algorithm = "sha256"' '' '[data]' "\"aa.toml\" = '''" '[token_configs.kbs]' \
	'url = "http://127.0.0.1:8080"' "'''" >b.toml
