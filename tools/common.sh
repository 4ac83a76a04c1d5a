# Shared by the scripts of this directory; read with `.`, never run.
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$top" || exit 1

# Ansible refuses a locale that is not UTF-8, and ignores an ansible.cfg it was not told of in a world-writable directory.
export LC_ALL=C.UTF-8 ANSIBLE_CONFIG="$top/ansible.cfg"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

say() { printf '== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# read_options: the words of OPCIONES into `options`. Quotes are read and nothing is run: an eval would do both.
read_options() {
  local word
  options=()
  python3 -c 'import os, shlex; shlex.split(os.environ.get("OPCIONES", ""))' 2>/dev/null ||
    die "OPCIONES no se entiende: falta cerrar una comilla, o algo sigue a una «\\» al final. Escriba, por ejemplo: make inventario OPCIONES=\"--institucion 'Municipalidad de X'\""
  while IFS= read -r -d '' word; do
    options+=("$word")
  done < <(python3 -c 'import os, shlex; print("".join(word + "\0" for word in shlex.split(os.environ.get("OPCIONES", ""))), end="")')
}

# need_packages PACKAGE...: installs Debian packages, or says the command when this user can't.
apt_lists_fresh=
need_packages() {
  [ $# -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "missing: $*; this is not Debian or Ubuntu: install them with your own package manager and run again"
  [ "$(id -u)" = 0 ] || die "missing: $*; run as root, or ask an administrator for: apt-get install -y $*"
  say "Installing $* (apt-get)"
  export DEBIAN_FRONTEND=noninteractive
  local log
  log=$(mktemp)
  if [ -z "$apt_lists_fresh" ]; then
    apt-get -o DPkg::Lock::Timeout=300 update >"$log" 2>&1 || { cat "$log" >&2; die "apt-get update failed: see above"; }
    apt_lists_fresh=yes
  fi
  apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >"$log" 2>&1 || { cat "$log" >&2; die "apt-get install $* failed: see above"; }
  rm -f "$log"
}

# need_tools TOOL=PACKAGE...: only what is absent is installed.
need_tools() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  need_packages "${missing[@]}"
}

# The first interpreter that ansible-core 2.19 runs on: 3.11 to 3.13. A name on PATH may be a shim of a version that is not selected.
find_python() {
  local name
  for name in python3 python3.11 python3.12 python3.13 /usr/bin/python3; do
    "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13)); ' 2>/dev/null || continue
    "$name" -c 'import sys; print(sys.executable)'
    return 0
  done
  return 1
}

# need_python: sets $python to an interpreter that can make virtual environments.
need_python() {
  python=$(find_python) || { need_packages python3 python3-venv; python=$(find_python) || die "no Python 3.11, 3.12 or 3.13 here: install one and run again"; }
  "$python" -c 'import ensurepip, venv' 2>/dev/null && return 0
  # Debian keeps ensurepip in a package of its own
  need_packages python3-venv
  "$python" -c 'import ensurepip, venv' 2>/dev/null || need_packages "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
  "$python" -c 'import ensurepip, venv' 2>/dev/null || die "$python can't make virtual environments: install its ensurepip and venv modules"
}

# need_environment DIRECTORY PYTHON REQUIREMENTS...: a virtual environment with exactly these requirement files.
# A stamp inside tells what it was made from, so a second call costs nothing and a changed requirement rebuilds it.
need_environment() {
  local directory=$1 interpreter=$2 stamp arguments=() file
  shift 2
  stamp=$("$interpreter" -c 'import sys; print(sys.version)'; cat "$@")
  [ -x "$directory/bin/python" ] && [ "$stamp" = "$(cat "$directory/stamp" 2>/dev/null)" ] && return 0
  say "Making $directory with $* (pip)"
  rm -rf "$directory"
  "$interpreter" -m venv "$directory" || die "python -m venv $directory failed"
  for file in "$@"; do arguments+=(-r "$file"); done
  "$directory/bin/python" -m pip install --quiet "${arguments[@]}" || { rm -rf "$directory"; die "pip could not install $*: see above"; }
  printf '%s\n' "$stamp" >"$directory/stamp"
}
