# shellcheck shell=bash
#
# postfix.sh - a real postfix of one's own, below $SCRATCH (see scratch.sh)
#
# Sourced, not run; needs root. The machine's own postfix, running, stopped or unconfigured, is left
# alone: configuration, queue, data, log, port and processes here are all this rig's, and as many
# rigs as wanted run side by side.
#
#   postfix_create               configure it; it is not yet running
#   postfix_start, postfix_stop  come and go, on the same port
#   $POSTFIX_PORT                its port on 127.0.0.1; refuses connections while it is stopped
#   $POSTFIX_LOG, $MAILDIR       what it logs; where it delivers
#
# It takes mail for any address of example.org into $MAILDIR (one file for each recipient), but for
#
#   refused@example.org   is refused with 550 5.1.1
#   later@example.org     is deferred with 450 4.2.0
#   bounced@example.org   is taken, and then reported to the sender as undeliverable
#
# and everything else is refused as relaying. It has no SMTP client and resolves no names, so nothing
# ever leaves this machine.

POSTFIX_DIR=""
POSTFIX_PORT=""
POSTFIX_LOG=""
MAILDIR=""

postfix_create() {
	POSTFIX_DIR=$(mktemp -d "${SCRATCH:?scratch_open comes first}/postfix.XXXXXX")
	POSTFIX_LOG=$POSTFIX_DIR/mail.log
	MAILDIR=$POSTFIX_DIR/mail/inbox
	port_reserve POSTFIX_PORT
	chmod 755 "$POSTFIX_DIR"
	mkdir -m 755 "$POSTFIX_DIR/etc" "$POSTFIX_DIR/queue"
	mkdir -m 700 "$POSTFIX_DIR/data" "$POSTFIX_DIR/mail"
	chown postfix "$POSTFIX_DIR/data"
	mkdir -m 700 "$MAILDIR" "$MAILDIR/cur" "$MAILDIR/new" "$MAILDIR/tmp"
	chown -R 65534:65534 "$POSTFIX_DIR/mail"
	postfix_write_main_cf
	postfix_write_master_cf
	# Postfix waits until its configuration is two seconds old, lest someone is still writing it.
	touch -d '1 minute ago' "$POSTFIX_DIR/etc/main.cf" "$POSTFIX_DIR/etc/master.cf"
	at_exit "POSTFIX_DIR='$POSTFIX_DIR'; postfix_stop"
}

postfix_write_main_cf() {
	cat >"$POSTFIX_DIR/etc/main.cf" <<-END
		compatibility_level = 3.6
		queue_directory = $POSTFIX_DIR/queue
		data_directory = $POSTFIX_DIR/data
		maillog_file = $POSTFIX_LOG
		maillog_file_prefixes = $POSTFIX_DIR

		# Here and nowhere else.
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		smtpd_peername_lookup = no
		default_transport = error:5.4.4 this postfix relays nothing
		relay_transport = error:5.4.4 this postfix relays nothing
		local_transport = error:5.4.4 this postfix has no local users

		myhostname = mx.example.org
		mydestination =
		relay_domains =
		mynetworks = 127.0.0.0/8
		alias_maps =
		alias_database =
		local_recipient_maps =

		virtual_mailbox_domains = example.org
		virtual_mailbox_base = $POSTFIX_DIR/mail
		virtual_mailbox_maps = static:inbox/
		transport_maps = inline:{{bounced@example.org = bounced:}}
		virtual_uid_maps = static:65534
		virtual_gid_maps = static:65534
		mailbox_size_limit = 0
		virtual_mailbox_limit = 0
		message_size_limit = 20971520

		smtpd_relay_restrictions = reject_unauth_destination
		smtpd_recipient_restrictions =
		 check_recipient_access inline:{
		 {refused@example.org = 550 5.1.1 nobody of that name here},
		 {later@example.org = 450 4.2.0 come back later}}

		# By default postfix pauses senders for a second at a time when mail comes in faster than
		# it goes out. That measures postfix; the tests measure us.
		in_flow_delay = 0
	END
}

# Only the services that are needed, none in a chroot: ours would be empty. What the transport "error" has
# would be refused by smtpd already; "bounced" runs a program that says 67, EX_NOUSER.
postfix_write_master_cf() {
	cat >"$POSTFIX_DIR/etc/master.cf" <<-END
		127.0.0.1:$POSTFIX_PORT inet n - n - - smtpd
		cleanup  unix       n - n -    0 cleanup
		qmgr     unix       n - n 300  1 qmgr
		rewrite  unix       - - n -    - trivial-rewrite
		bounce   unix       - - n -    0 bounce
		defer    unix       - - n -    0 bounce
		trace    unix       - - n -    0 bounce
		verify   unix       - - n -    1 verify
		flush    unix       n - n 1000? 0 flush
		proxymap unix       - - n -    - proxymap
		proxywrite unix     - - n -    1 proxymap
		showq    unix       n - n -    - showq
		error    unix       - - n -    - error
		bounced  unix       - n n -    - pipe user=nobody argv=/bin/sh -c {exit 67}
		retry    unix       - - n -    - error
		virtual  unix       - n n -    - virtual
		anvil    unix       - - n -    1 anvil
		postlog  unix-dgram n - n -    1 postlogd
	END
}

# Returns when postfix answers. Its own words are shown only if it does not.
postfix_start() {
	if ! postfix -c "$POSTFIX_DIR/etc" start >"$POSTFIX_DIR/start.out" 2>&1; then
		cat "$POSTFIX_DIR/start.out" >&2
		return 1
	fi
	wait_until 20 postfix_answers && return
	cat "$POSTFIX_DIR/start.out" "$POSTFIX_LOG" >&2
	return 1
}

# As `postfix stop` does it, but that looks once a second only. The master takes its children along.
# The process that holds the lock on master.pid is ours: the file is in our own queue directory.
postfix_stop() {
	local pid file=$POSTFIX_DIR/queue/pid/master.pid
	[ -s "$file" ] || return 0
	pid=$(tr -d ' ' <"$file")
	flock -n "$file" true && return 0
	kill -TERM "$pid" 2>/dev/null || return 0
	if ! wait_until 15 flock -n "$file" true; then
		echo "# postfix $pid ignored SIGTERM" >&2
		kill -KILL -- "-$pid"
	fi
}

# The banner, not merely an open port: the kernel accepts connections before any smtpd runs.
postfix_answers() {
	local banner=
	{
		exec 9<>"/dev/tcp/127.0.0.1/$POSTFIX_PORT" || return 1
	} 2>/dev/null
	read -r -t 5 banner <&9 || true
	printf 'QUIT\r\n' >&9 || true
	exec 9>&-
	[ "${banner::4}" = "220 " ]
}

# Nothing on its way inside postfix any more: what is in the Maildir now is all there will be.
postfix_is_idle() {
	local queue=$POSTFIX_DIR/queue
	[ -z "$(find "$queue/incoming" "$queue/active" "$queue/deferred" "$queue/maildrop" -type f -print -quit)" ]
}

maildir_count() {
	local files
	shopt -s nullglob
	files=("$MAILDIR"/new/*)
	shopt -u nullglob
	echo "${#files[@]}"
}

maildir_has() {
	[ "$(maildir_count)" -ge "$1" ]
}

# maildir_wait COUNT SECONDS: until COUNT files have been delivered; says how many if they have not.
maildir_wait() {
	wait_until "$2" maildir_has "$1" && return
	echo "# $(maildir_count) of $1 messages after $2 s" >&2
	return 1
}
