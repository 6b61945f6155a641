# shellcheck shell=bash
#
# jails.sh - jails that `flushctl site` works on
#
#   JAIL      the one that a test is about, of the user SITE_UID
#   CONF      the directory of flushd's configuration

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "${BASH_SOURCE[0]}")/sites.sh"

JAIL=""
SITE_UID=20001

# The sanitizers' programs are neither static nor content without /proc.
jails_open() {
	[ "${MODE:-release}" = release ] || skip_all "not for MODE=$MODE"
	sites_open
	JAIL=$JAILS/site1
	mkdir -m 755 "$JAIL"
	echo "status_socket = $SCRATCH/status" >"$CONF/flushd.conf"
}

# site VERB [ARGUMENT...]: what it says is in $SCRATCH/said.
site() {
	local verb=$1
	shift
	"$BIN/flushctl" site "$verb" --config "$CONF" "$@" >"$SCRATCH/said" 2>&1
}

# site_exits VERB [ARGUMENT...]: prints the exit status alone.
site_exits() {
	local code=0
	site "$@" || code=$?
	echo "$code"
}

said() {
	grep -qE -- "$1" "$SCRATCH/said" || {
		diag "said: $(cat "$SCRATCH/said")"
		return 1
	}
}

# tree DIR...: all that is there, and each change of it, but for times of access.
tree() {
	find "$@" -printf '%p %y %i %u %g %m %n %s %T@ %C@ %l\n' | sort
}

# in_jail CMD...: as its user.
in_jail() {
	env -i "$(command -v chroot)" --userspec="$SITE_UID:$SITE_UID" --groups= "$JAIL" "$@"
}
