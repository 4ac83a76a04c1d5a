#!/usr/bin/env bash
# make programa: what an empty machine installs this program from without a network, for the kit of the worst day and for a memory stick beside the
# printed plan: the collection's artifact, its Python packages, and the script that installs both. DESTINO names the directory.
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

target=${DESTINO:-/var/lib/respaldo/programa}
[[ $target == /* ]] || die "DESTINO debe ser una ruta completa, no «$target»"
need_python
need_environment .venv "$python" requirements.lock
export PATH="$top/.venv/bin:$PATH"

install -d -m 0755 "$(dirname "$target")"
made=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$made"' EXIT
chmod 0755 "$made"
cp requirements.lock "$made/requirements.lock"
cp tools/install_program.sh "$made/instalar.sh"
# for this machine's Python; each file by the digest that the lock has of it
python -m pip download --quiet --only-binary=:all: --require-hashes --requirement requirements.lock --dest "$made/paquetes"
ansible-galaxy collection build --output-path "$made" >/dev/null
python -c 'import sys; print("Python %d.%d" % sys.version_info[:2])' >"$made/para"
if [ -d "$target" ]; then
  mv "$target" "$made.antes"
  mv "$made" "$target" || { mv "$made.antes" "$target"; die "$target could not be written"; }
  rm -rf "$made.antes"
else
  mv "$made" "$target"
fi
trap - EXIT
say "El programa, con sus paquetes, está en $target: nómbrelo en el maletín, y guarde una copia con cada plan impreso"
