#!/bin/sh
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the sample repositories of git1; does nothing when this very file made them before. Bare ones in /srv/git,
# with a work tree in /srv/trabajo. The same run gives the same commits.
set -eu
stamp=/var/lib/lab/repositories
digest=$(sha256sum <"$0")
if [ "$(cat "$stamp" 2>/dev/null)" = "$digest" ]; then
    echo unchanged
    exit 0
fi

password=$(printf 'lab-respaldo' | openssl passwd -apr1 -stdin)
printf 'respaldo:%s\n' "$password" >/etc/lighttpd/git.htpasswd
chown root:www-data /etc/lighttpd/git.htpasswd
chmod 0640 /etc/lighttpd/git.htpasswd

export HOME=/root GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME='Lucía Ñahui' GIT_AUTHOR_EMAIL=lucia@example.org GIT_COMMITTER_NAME='Lucía Ñahui' GIT_COMMITTER_EMAIL=lucia@example.org
export GIT_AUTHOR_DATE='2026-11-01T08:00:00-05:00' GIT_COMMITTER_DATE='2026-11-01T08:00:00-05:00'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
find /srv/git -mindepth 1 -maxdepth 1 -name '*.git' -exec rm -rf {} +
rm -rf /srv/trabajo
mkdir -p /srv/git /srv/trabajo

bare() { git init --quiet --bare --initial-branch main "/srv/git/$1.git"; }
commit() { git add --all && git commit --quiet --message "$1"; }
begin() { git init --quiet --initial-branch main "$work/$1" && cd "$work/$1"; }
publish() { bare "$1" && git push --quiet "/srv/git/$1.git" '+refs/*:refs/*'; }

# portal: branches, merges, notes, both kinds of tags, a stash, a ref outside the usual places, an odd tree
begin portal
echo '# Portal' >README.md
commit 'Inicio'
for branch in desarrollo 'función/ñandú' 'versión-2'; do
    git checkout --quiet -b "$branch" main
    echo "$branch" >"$(echo "$branch" | tr / _).txt"
    commit "Cambios de $branch"
    git checkout --quiet main
    git merge --quiet --no-ff --message "Une $branch" "$branch"
done
mkdir 'Órgano de línea'
echo 'contenido' >'Órgano de línea/año ñandú 😀.txt'
printf 'a\nb' >"$(printf 'tab\ty salto\nde línea.txt')"
printf '\000\001\377' >binario.bin
ln -s README.md enlace
echo '#!/bin/sh' >ejecutable.sh
chmod +x ejecutable.sh
commit 'Nombres difíciles'
git notes add --message 'Nota del revisor' HEAD
git notes --ref revisión add --message 'Otra nota' HEAD~1
git tag ligera HEAD~1
git tag --annotate 'v1.0-ñ' --message 'Primera versión'
git -c advice.nestedTag=false tag --annotate de-etiqueta --message 'Etiqueta de una etiqueta' v1.0-ñ
git tag blob-suelto "$(echo 'un objeto sin commit' | git hash-object -w --stdin)"
git update-ref refs/propio/marca HEAD~2
git checkout --quiet --orphan gh-pages
git rm -rfq .
echo '<p>ñ</p>' >index.html
commit 'Rama huérfana'
git checkout --quiet main
publish portal

# miles: 2,000 tags and 300 branches, half of them packed
begin miles
for number in $(seq 20); do
    echo "$number" >archivo
    commit "Cambio $number"
done
first=$(git rev-parse HEAD)
seq 2000 | sed "s|.*|create refs/tags/v0.& $first|" | git update-ref --stdin
git pack-refs --all
second=$(git rev-parse HEAD~1)
seq 300 | sed "s|.*|create refs/heads/rama/& $second|" | git update-ref --stdin
publish miles

# vacio: no commit at all; suelto: HEAD points at a commit, not at a branch; sin-rama: HEAD names a branch that is not there
bare vacio
begin suelto
echo 1 >a
commit 'Uno'
echo 2 >a
commit 'Dos'
publish suelto
git --git-dir /srv/git/suelto.git update-ref --no-deref HEAD "$(git rev-parse HEAD~1)"
cd "$work/suelto"
publish sin-rama
git --git-dir /srv/git/sin-rama.git symbolic-ref HEAD refs/heads/no-existe

# componente, inside sistema as a submodule
begin componente
echo 'componente' >lib.txt
commit 'Componente'
publish componente
begin sistema
echo 'sistema' >app.txt
commit 'Sistema'
git -c protocol.file.allow=always submodule --quiet add --name componente /srv/git/componente.git vendor/componente
git config --file .gitmodules submodule.componente.url ../componente.git
commit 'Con submódulo'
publish sistema

# grandes: files in LFS, their objects in the store of the bare repository; grandes-incompleto lacks one of them
lfs_repository() {
    begin "$1"
    git lfs install --local >/dev/null
    git lfs track '*.psd' >/dev/null
    head -c 3000000 /dev/zero | openssl enc -aes-128-ctr -K 00112233445566778899aabbccddeeff -iv 00000000000000000000000000000000 >plano.psd
    printf 'pequeño' >nota.psd
    echo texto >leeme.txt
    commit 'Con LFS'
    printf 'otra versión' >nota.psd
    commit 'Otra versión'
    bare "$1"
    git remote add origin "file:///srv/git/$1.git"
    git push --quiet origin main >/dev/null 2>&1
    git lfs push --all origin >/dev/null 2>&1
}
lfs_repository grandes
lfs_repository grandes-incompleto
missing=$(printf 'pequeño' | sha256sum | cut -c1-64)
rm "/srv/git/grandes-incompleto.git/lfs/objects/$(echo "$missing" | cut -c1-2)/$(echo "$missing" | cut -c3-4)/$missing"

# voluminoso: 20 MiB that do not compress, in 200 files and ten commits
begin voluminoso
for number in $(seq 10); do
    head -c 2097152 /dev/zero | openssl enc -aes-128-ctr -K "$(printf '%032x' "$number")" -iv 00000000000000000000000000000000 \
        | split --bytes=104858 --additional-suffix=.bin - "parte_${number}_"
    commit "Parte $number"
done
publish voluminoso

# dañado: one object is cut short, a copy of it must not be called good
cd "$work/portal"
publish danado
objects=/srv/git/danado.git
mkdir "$work/paquetes"
mv "$objects"/objects/pack/*.pack "$work/paquetes/" 2>/dev/null && for pack in "$work"/paquetes/*.pack; do git --git-dir "$objects" unpack-objects -q <"$pack"; done
rm -f "$objects"/objects/pack/*
broken=$(git rev-parse 'main:README.md')
loose=$objects/objects/$(echo "$broken" | cut -c1-2)/$(echo "$broken" | cut -c3-)
chmod u+w "$loose"
printf 'x' >"$loose"

# Not bare: work in progress, a stash, an untracked file, a second work tree, a shallow clone
cp -a "$work/portal" /srv/trabajo/portal
cd /srv/trabajo/portal
echo 'sin confirmar' >>README.md
git stash push --quiet --message 'Por terminar'
echo 'sin seguimiento' >nuevo.txt
git worktree add --quiet /srv/trabajo/portal-desarrollo desarrollo
git clone --quiet --depth 1 file:///srv/git/miles.git /srv/trabajo/superficial
mkdir -p '/srv/trabajo/código sin git/año'
echo 'print("ñ")' >'/srv/trabajo/código sin git/año/programa.py'

chown -R git:git /srv/git /srv/trabajo
mkdir -p "$(dirname "$stamp")"
printf '%s' "$digest" >"$stamp"
echo loaded
