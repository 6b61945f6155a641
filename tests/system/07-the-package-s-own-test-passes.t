#!/bin/bash
#
# debian/tests, as autopkgtest runs it on a machine with the package.

# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"
machine_needs
test_open
packages_find
machine_create
machine_boot
package_install "$PACKAGE"
cp debian/tests/mail-arrives "$DISK/root"
status=0
machine_run /root/mail-arrives >"$SCRATCH/output" 2>&1 || status=$?
is "what a site submits arrives" "$status $(tail -n 1 "$SCRATCH/output")" "0 it has arrived"
[ "$status" -eq 0 ] || sed 's/^/# /' "$SCRATCH/output" >&2
done_testing
