#!/usr/bin/env bash
# ansible-test sanity on the built tree. Needs nothing but a Python package index.
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

tools/build_tree.sh
tree=$top/build/ansible_collections/perucompras/respaldo
environment=$top/.venv-dev
version=$("$environment/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# ansible-test keeps only PATH and HOME of the environment. So it gets a home of its own, where pip finds as a file
# what the caller has as variables (index, certificate, proxy), and where get-pip is already "downloaded".
home=$top/.cache/sanity-home
"$environment/bin/python" tools/sanity_home.py "$home"

# interpreters of a version manager's shims are not interpreters: ansible-test would take them for such
path=$environment/bin
IFS=: read -ra places <<<"$PATH"
for place in "${places[@]}"; do case $place in */shims) ;; *) path=$path:$place ;; esac; done

# ansible-test takes the files from git; without this the nearest repository is ours, which ignores build/
cd "$tree"
git init --quiet
printf 'tests/output/\n__pycache__/\n' >.git/info/exclude
git add --all --force .
HOME=$home PATH=$path ansible-test sanity --local --python "$version" --color no "$@"
