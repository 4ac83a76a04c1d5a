#!/usr/bin/env bash
# Builds the collection and unpacks the artifact under build/ansible_collections, the real path that ansible-test asks for.
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export PATH="$top/.venv-dev/bin:$PATH"

tree=build/ansible_collections/perucompras/respaldo
rm -rf build
mkdir -p "$tree"
ansible-galaxy collection build --output-path build >/dev/null
tar -xzf build/perucompras-respaldo-*.tar.gz -C "$tree"
say "Built $tree"
