#!/usr/bin/env bash
# instalar.sh DIRECTORIO: instala el programa, sin red, de lo que está junto a este archivo (make programa). Después existe la orden `respaldo`.
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

target=${1:-/opt/respaldo}
[[ $target == /* ]] || die "indique una ruta completa, no «$target»"
[ ! -e "$target" ] || die "$target ya existe y no se sobrescribe: indique otro directorio"
wanted=$(cat "$here/para")
python=$(command -v "python${wanted#Python }") || die "los paquetes son para $wanted, que no está aquí; en Debian 12: apt-get install python3-venv"
top=$target/ansible_collections/perucompras/respaldo
trap 'rm -rf "$target"' EXIT
mkdir -p "$top"
tar -xzf "$here"/perucompras-respaldo-*.tar.gz -C "$top"
"$python" -m venv "$top/.venv" || die "$python no puede hacer entornos: en Debian, apt-get install python3-venv"
"$top/.venv/bin/python" -m pip install --quiet --no-index --find-links "$here/paquetes" --require-hashes --requirement "$here/requirements.lock"
trap - EXIT
[ -e /usr/local/bin/respaldo ] || ln -s "$top/scripts/respaldo" /usr/local/bin/respaldo
printf 'Instalado en %s. Ahora: respaldo --help\n' "$top"
