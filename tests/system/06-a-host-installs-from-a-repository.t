#!/bin/bash
#
# make apt-repo: a host that trusts the key installs from the repository and upgrades, by its pin from there only;
# one that does not trust it, or finds an index that was tampered with, installs nothing.

# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"
machine_needs
test_open
for program in apt-ftparchive gpg; do
	command -v "$program" >/dev/null || skip_all "there is no $program; bin/setup installs it"
done
packages_find
machine_create
repository=$DISK/srv/repository

export GNUPGHOME=$SCRATCH/keys
mkdir -m 700 "$GNUPGHOME"
at_exit "gpgconf --kill all"
for key in ours theirs; do
	gpg --batch --quiet --passphrase '' --quick-generate-key "$key" ed25519 sign never 2>"$SCRATCH/gpg.log"
done

# publish DEB KEY
publish() {
	mkdir -p "$SCRATCH/beside"
	rm -f "$SCRATCH/beside"/*
	cp "$1" "$SCRATCH/beside/mini-sendmail_$(dpkg-deb -f "$1" Version)_$(dpkg-deb -f "$1" Architecture).deb"
	PACKAGE_DIR=$SCRATCH/beside make -s apt-repo DIR="$repository" KEY="$2" >"$SCRATCH/publish.log" 2>&1
}

apt() {
	machine_run apt-get -q -y "$@" >"$SCRATCH/apt.log" 2>&1
}

version() {
	# shellcheck disable=SC2016 # the variable is dpkg's
	machine_run dpkg-query -W -f '${Version}' mini-sendmail 2>/dev/null || true
}

status=0
PACKAGE_DIR=$SCRATCH make -s apt-repo DIR="$repository" KEY=ours >"$SCRATCH/publish.log" 2>&1 || status=$?
is "nothing can be published before it is built" "$(grep -c 'make package first' "$SCRATCH/publish.log")" 1
ok "a version is published" publish "$PACKAGE_BEFORE" ours
install -D -m 644 "$repository/mini-sendmail.asc" "$DISK/etc/apt/keyrings/mini-sendmail.asc"
# No other can be reached: apt would wait for each.
rm -f "$DISK"/etc/apt/sources.list "$DISK"/etc/apt/sources.list.d/*
cp docs/examples/mini-sendmail.sources "$DISK/etc/apt/sources.list.d"
sed -i 's,^URIs: .*,URIs: file:/srv/repository,' "$DISK/etc/apt/sources.list.d/mini-sendmail.sources"
cp docs/examples/apt-pin "$DISK/etc/apt/preferences.d/mini-sendmail"
machine_boot

ok "a host reads it" apt update
ok "and installs from it" apt install mini-sendmail
is "that version" "$(version)" "$(cat VERSION)~before"
is "flushd runs" "$(machine_run systemctl is-active flushd)" active

ok "another version is published" publish "$PACKAGE" ours
ok "the host reads that" apt update
ok "and upgrades" apt upgrade
is "to this version" "$(version)" "$(cat VERSION)"
is "the pin is in force" "$(machine_run apt-cache policy mini-sendmail | grep -c '^ \*\*\* .* 990$')" 1
ok "the one before is still there to go back to" apt install --allow-downgrades "mini-sendmail=$(cat VERSION)~before"

ok "somebody else signs it" publish "$PACKAGE" theirs
status=0
apt update || status=$?
ok "the host says so" grep -qE 'NO_PUBKEY|not signed|verify signature' "$SCRATCH/apt.log"
ok "it is signed by us again" publish "$PACKAGE" ours
ok "the host reads that" apt update
sed -i 's/^Size: .*/Size: 1/' "$repository/Packages"
rm "$repository/Packages.gz"
rm -rf "$DISK"/var/lib/apt/lists/*
apt update || true
is "an index that was tampered with offers nothing" \
	"$(machine_run apt-cache policy mini-sendmail | grep -c 'file:/srv/repository' || true)" 0
done_testing
