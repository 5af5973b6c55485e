// SPDX-License-Identifier: Apache-2.0

module cocoon.dev/e2e/oci-check

go 1.26.0

require github.com/BurntSushi/toml v1.5.0
