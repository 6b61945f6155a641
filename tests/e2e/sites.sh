# shellcheck shell=bash
#
# sites.sh - a flushd with a configuration, and jails for its sites
#
#   CONF     the directory of the configuration
#   JAILS    each site's jail is $JAILS/NAME

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

CONF=""
JAILS=""
SPOOL_IN_JAIL=var/spool/mini-sendmail

# Users must be able to run the programs, and to enter their jails.
sites_open() {
	needs_root "serves sites of several users"
	test_open
	copy_programs
	CONF=$SCRATCH/conf
	JAILS=$SCRATCH/jails
	mkdir -p "$CONF/sites.d" "$JAILS"
	chmod 755 "$SCRATCH" "$JAILS"
}

# conf_write [LINE...]: flushd.conf, for the relay at $POSTFIX_PORT.
# shellcheck disable=SC2120 # lines are for those who need them
conf_write() {
	printf '%s\n' "relay = 127.0.0.1:$POSTFIX_PORT" "status_socket = $SCRATCH/status" "$@" >"$CONF/flushd.conf"
}

# jail_create NAME UID: a jail with a spool.
jail_create() {
	mkdir -p "$JAILS/$1/$(dirname "$SPOOL_IN_JAIL")"
	"$BIN/flushctl" init "$JAILS/$1/$SPOOL_IN_JAIL" --user "$2"
}

# site_write NAME UID [LINE...]: its file.
site_write() {
	local name=$1 uid=$2
	shift 2
	printf '%s\n' "root = $JAILS/$name" "user = $uid" "$@" >"$CONF/sites.d/$name.conf"
}

site_add() {
	jail_create "$1" "$2"
	site_write "$@"
}

# site_submit NAME UID SENDER [CMD...]: as its user; the text is a short one.
site_submit() {
	printf 'Subject: x\n\n\n' | MINI_SENDMAIL_SPOOL=$JAILS/$1/$SPOOL_IN_JAIL as_uid "$2" \
		"$BIN/mini_sendmail" -i -f "$3" reader@example.org
}

service_start() {
	FLUSHD_LOG=$SCRATCH/flushd.log
	[ -n "$FLUSHD_PID" ] || at_exit flushd_clean_up
	"$BIN/flushd" --config "$CONF" >>"$FLUSHD_LOG" 2>&1 &
	FLUSHD_PID=$!
}

# is_taken SENDER [COUNT]: the moody relay has mail of this sender, so often.
is_taken() {
	[ "$(grep -cxF "<$1>" "$SCRATCH/taken")" -eq "${2:-1}" ]
}

taken_count() {
	wc -l <"$SCRATCH/taken"
}
