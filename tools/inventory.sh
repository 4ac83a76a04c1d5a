#!/usr/bin/env bash
# make inventario: the environment that `make backup` makes too, then the questions of `respaldo nuevo`. OPCIONES are its options, as a shell reads them.
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need_tools git=git zstd=zstd gpg=gnupg
need_python
need_environment .venv "$python" requirements.lock
export PATH="$top/.venv/bin:$PATH"

read_options
exec scripts/respaldo nuevo "${options[@]}"
