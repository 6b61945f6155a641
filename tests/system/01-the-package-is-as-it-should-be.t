#!/bin/bash
#
# The package, looked at before it is installed anywhere.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/system/packages.sh
. "$(dirname "$0")/packages.sh"
test_open

tree() {
	git status --porcelain --ignored 2>/dev/null || find . -path ./build -prune -o -print | sort
}
mkdir -p build/packages
before=$(tree)
packages_find
is "building it leaves nothing in the tree" "$(tree)" "$before"

# --- how it was built ---------------------------------------------------------------------------------

if command -v lintian >/dev/null; then
	is "lintian finds nothing" "$(lintian --allow-root --fail-on none "$PACKAGE_BUILD"/*.changes 2>&1)" ""
else
	skip "lintian finds nothing" "there is no lintian"
fi

mkdir "$SCRATCH/again"
(
	export TZ=Asia/Tokyo LANG=C.UTF-8 HOME=/nonexistent
	umask 027
	package_build "$SCRATCH/again" "$SCRATCH/elsewhere/build"
)
for package in "$PACKAGE" "${PACKAGE/sendmail_/sendmail-dbgsym_}"; do
	ok "built elsewhere, ${package##*/} is the same bytes" cmp "$package" "$SCRATCH/again/${package##*/}"
done

mkdir -p "$SCRATCH/tree/bin" "$SCRATCH/tree/debian"
cp bin/package "$SCRATCH/tree/bin"
cp debian/changelog "$SCRATCH/tree/debian"
echo 47.11 >"$SCRATCH/tree/VERSION"
is "another version than the changelog's is an error" "$("$SCRATCH/tree/bin/package" 2>&1 || echo "exit $?")" \
	"package: VERSION says 47.11, debian/changelog $(cat VERSION): they must be the same
exit 1"

# --- what is in it ------------------------------------------------------------------------------------

field() {
	dpkg-deb -f "$PACKAGE" "$1"
}
is "its version" "$(field Version)" "$(cat VERSION)"
is "it is no mail transport agent" "$(field Provides)$(field Conflicts)$(field Replaces)" ""
is "it says what is linked statically" "$(field Built-Using | tr ',' '\n' | awk '{ print $1 }' | sort | xargs)" \
	"glibc lmdb xxhash"
dpkg-deb -x "$PACKAGE" "$SCRATCH/content"
content=$(cd "$SCRATCH/content" && find . -type f -o -type l | cut -c 2- | sort)
for file in /usr/sbin/{flushd,flushctl} /usr/libexec/mini-sendmail/{mini_sendmail,jailsh} \
	/etc/mini-sendmail/flushd.conf /usr/share/bash-completion/completions/flushctl \
	/usr/share/man/man8/{flushd,flushctl,jailsh,mini_sendmail}.8.gz /usr/share/man/man5/flushd.conf.5.gz; do
	ok "it has $file" grep -qxF "$file" <<<"$content"
done
is "it has a unit" "$(grep -c '/lib/systemd/system/flushd.service$' <<<"$content")" 1
is "it has nothing that is postfix's" "$(grep -E '/(sendmail|mailq|newaliases)$' <<<"$content" || true)" ""
is "nothing has a right of its own" "$(find "$SCRATCH/content" -perm /7000)" ""
is "its configuration stays what the administrator makes of it" "$(dpkg-deb --info "$PACKAGE" conffiles)" \
	/etc/mini-sendmail/flushd.conf
ok "it has a directory for sites" test -d "$SCRATCH/content/etc/mini-sendmail/sites.d"
is "the jails' programs are static" \
	"$(readelf -lWd "$SCRATCH/content/usr/libexec/mini-sendmail"/* | grep -cE 'INTERP|NEEDED' || true)" 0
is "the others take LMDB with them" \
	"$(readelf -dW "$SCRATCH/content/usr/sbin"/* | grep -cE 'NEEDED.*(lmdb|xxhash)' || true)" 0

# --- without a package --------------------------------------------------------------------------------

make -s install DESTDIR="$SCRATCH/installed" >/dev/null
is "make install puts all of that in place" "$(cd "$SCRATCH/installed" && find . -type f -printf '%m %P\n' | sort -k 2)" \
	"644 etc/mini-sendmail/flushd.conf
644 usr/local/lib/systemd/system/flushd.service
755 usr/local/libexec/mini-sendmail/jailsh
755 usr/local/libexec/mini-sendmail/mini_sendmail
755 usr/local/sbin/flushctl
755 usr/local/sbin/flushd
644 usr/local/share/bash-completion/completions/flushctl
644 usr/local/share/man/man5/flushd.conf.5
644 usr/local/share/man/man8/flushctl.8
644 usr/local/share/man/man8/flushd.8
644 usr/local/share/man/man8/jailsh.8
644 usr/local/share/man/man8/mini_sendmail.8"
ok "and makes a directory for sites" test -d "$SCRATCH/installed/etc/mini-sendmail/sites.d"
is "it names its own flushd in the unit" \
	"$(sed -n 's/^ExecStart=//p' "$SCRATCH/installed/usr/local/lib/systemd/system/flushd.service")" \
	/usr/local/sbin/flushd
echo mine >"$SCRATCH/installed/etc/mini-sendmail/flushd.conf"
make -s install DESTDIR="$SCRATCH/installed" >/dev/null
is "and replaces no configuration" "$(cat "$SCRATCH/installed/etc/mini-sendmail/flushd.conf")" mine
done_testing
