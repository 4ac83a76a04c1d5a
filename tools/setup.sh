#!/usr/bin/env bash
# setup.sh: the environment of developers and tests, .venv-dev.
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need_tools git=git zstd=zstd gpg=gnupg
need_python
need_environment .venv-dev "$python" requirements.txt requirements-dev.txt
