#!/usr/bin/env bash
# environment.sh DIRECTORY PYTHON REQUIREMENTS...: makes one environment of the test matrix.
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_environment "$@"
