# shellcheck shell=bash disable=SC2034 # the variables are for the tests
#
# packages.sh - the packages of this tree, built when something in it has changed
#
# Sourced, after lib.sh. packages_find:
#
#   $PACKAGE          this version's
#   $PACKAGE_BEFORE   the same, but of a version before it: a byte more to each program of the jails
#   $PACKAGE_BUILD    where it was built, with what else came of that

is_newer_than() {
	[ -n "$(find VERSION Makefile README.md bin/package src man etc systemd debian docs -newer "$1" -print -quit)" ]
}

packages_find() {
	local dir=$PWD/build/packages
	[ "${MODE:-release}" = release ] || skip_all "not for MODE=$MODE"
	command -v dh >/dev/null || skip_all "there is no debhelper; bin/setup installs it"
	PACKAGE_BUILD=$dir/build
	PACKAGE_BEFORE=$dir/before.deb
	PACKAGE=$dir/mini-sendmail_$(cat VERSION)_$(dpkg --print-architecture).deb
	mkdir -p "$dir"
	exec 8>"$dir/lock"
	flock 8
	if [ ! -e "$PACKAGE_BEFORE" ] || is_newer_than "$PACKAGE_BEFORE"; then
		package_build "$dir" "$PACKAGE_BUILD" || return
		package_age "$PACKAGE" "$PACKAGE_BEFORE"
	fi
	exec 8>&-
}

# package_build DIR BUILD: what went wrong is in DIR/log. The unit tests are run elsewhere.
package_build() {
	rm -f "$1"/*.deb
	PACKAGE_DIR=$1 BUILD=$2 DEB_BUILD_OPTIONS=nocheck bin/package >"$1/log" 2>&1 && return
	tail -n 20 "$1/log" | sed 's/^/# /' >&2
	return 1
}

# package_age DEB OLD: it is not built anew, for what an upgrade does depends on the version only.
package_age() {
	local program
	rm -rf "$2.d"
	dpkg-deb -R "$1" "$2.d"
	sed -i 's/^Version: .*/&~before/' "$2.d/DEBIAN/control"
	for program in "$2.d"/usr/libexec/mini-sendmail/*; do
		echo >>"$program"
	done
	dpkg-deb --root-owner-group -b "$2.d" "$2" >/dev/null
	rm -rf "$2.d"
}
